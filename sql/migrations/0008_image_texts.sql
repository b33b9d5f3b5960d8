-- What the images of a dataset say, so that each is read once whatever node meets it, and whenever
-- (runtime/images/image_texts.hpp). Goes with its dataset.
create table image_texts (
  dataset_id  bigint not null,
  sha256      text not null,   -- of the image, in hexadecimal digits
  languages   text not null,   -- that OCR looked for
  text        text not null,
  primary key (dataset_id, sha256, languages)
);

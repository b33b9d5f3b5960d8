#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string mail(const std::string& more, const std::string& subject = "Gates") {
  return "From: Ann <ann@example.org>\nTo: tom@example.org\nSubject: " + subject +
         "\nDate: Tue, 7 May 2024 09:30:00 +0100\nMIME-Version: 1.0\n" + more;
}

std::string multipart(const std::string& kind, const std::vector<std::string>& parts,
                      const std::string& boundary = "b") {
  std::string out = "Content-Type: multipart/" + kind + "; boundary=" + boundary + "\n\n";
  for (const auto& part : parts) out += "--" + boundary + "\n" + part + "\n";
  return out + "--" + boundary + "--\n";
}

std::string text_part(const std::string& text) {
  return "Content-Type: text/plain\n\n" + text + "\n";
}

/// Without title and headers.
std::vector<std::string> body_of(const extracted_document& document) {
  auto lines = lines_of(document);
  lines.erase(lines.begin(), lines.begin() + std::min<std::ptrdiff_t>(2, std::ssize(lines)));
  return lines;
}

TEST(eml, headers_are_title_text_and_properties) {
  const auto document = parse(mail("Cc: =?iso-8859-1?Q?J=F6rg?= <j@example.org>\n\nClosed.\n",
                                   "=?utf-8?B?TcO8aGxl?= closed"));
  EXPECT_EQ(document.title, "Mühle closed");
  EXPECT_THAT(lines_of(document),
              ElementsAre("title1: Mühle closed",
                          "paragraph: From: Ann <ann@example.org>\nTo: tom@example.org\n"
                          "Cc: Jörg <j@example.org>\nDate: Tue, 7 May 2024 09:30:00 +0100",
                          "paragraph: Closed."));
  EXPECT_THAT(document.properties, Contains(std::pair<std::string, std::string>{
                                       "created", "2024-05-07T09:30:00+01:00"}));
}

TEST(eml, the_page_is_read_where_there_is_one_and_only_it) {
  const auto page = std::string{"Content-Type: text/html\n\n<p>As <b>page</b>.</p>\n"};
  EXPECT_THAT(body_of(parse(mail(multipart("alternative", {text_part("As text."), page})))),
              ElementsAre("paragraph: As page."));
  const auto empty = std::string{"Content-Type: text/html\n\n<html><body></body></html>\n"};
  EXPECT_THAT(body_of(parse(mail(multipart("alternative", {text_part("As text."), empty})))),
              ElementsAre("paragraph: As text."));
}

TEST(eml, texts_get_their_charset_and_a_wrong_or_unknown_one_is_guessed) {
  const auto with = [](const std::string& charset, const std::string& text) {
    return body_of(parse(mail("Content-Type: text/plain; charset=" + charset + "\n\n" + text)));
  };
  EXPECT_THAT(with("koi8-r", "\xED\xC5\xCC\xD8\xCE\xC9\xC3\xC1"),
              ElementsAre("paragraph: Мельница"));
  EXPECT_THAT(with("iso-8859-1", "M\xC3\xBChle"), ElementsAre("paragraph: Mühle"));
  EXPECT_THAT(with("x-nobody-knows", "M\xC3\xBChle"), ElementsAre("paragraph: Mühle"));
  EXPECT_THAT(with("us-ascii", "M\xFChle am Bach"), ElementsAre("paragraph: Mühle am Bach"));
}

TEST(eml, what_no_mail_program_reads_right_is_read_all_the_same) {
  const auto encoded = [](const std::string& encoding, const std::string& text) {
    return body_of(parse(mail("Content-Transfer-Encoding: " + encoding + "\n\n" + text)));
  };
  EXPECT_THAT(encoded("quoted-printable", "A =ZZ B=\nC =4"), ElementsAre(HasSubstr("BC")));
  EXPECT_THAT(encoded("base64", "R2F0ZSBpcyBvcGVu!!"), ElementsAre(HasSubstr("Gate is open")));
  const auto no_boundary = mail("Content-Type: multipart/mixed\n\nThe body.\n");
  EXPECT_THAT(body_of(parse(no_boundary)), ElementsAre("paragraph: The body."));
  const auto not_closed = mail("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nThe body.\n");
  EXPECT_THAT(body_of(parse(not_closed)), ElementsAre("paragraph: The body."));
}

TEST(eml, attachments_follow_the_text_under_their_names) {
  const auto table = std::string{
      "Content-Type: text/csv\nContent-Disposition: attachment; filename=gauges.csv\n\n"
      "gauge,level\nweir,142\nbridge,97\n"};
  const auto document =
      parse(mail(multipart("mixed", {text_part("One."), table, text_part("Two.")})));
  EXPECT_THAT(body_of(document), ElementsAre("paragraph: One.", "paragraph: Two.",
                                             "heading1: gauges.csv", HasSubstr("weir | 142")));
  EXPECT_THAT(lines_of(document)[1], HasSubstr("Attachments: gauges.csv"));
  EXPECT_EQ(document.warning.code, ec::none);
}

TEST(eml, an_attachment_that_cannot_be_read_is_named_and_the_message_is_ready) {
  const auto document = parse(read_sample("report.eml"));
  EXPECT_EQ(document.warning.code, ec::partly_read);
  EXPECT_THAT(document.warning.message, HasSubstr("photos.zip (the file is a ZIP archive"));
  EXPECT_THAT(lines_of(document), Contains("heading1: photos.zip"));
  EXPECT_THAT(lines_of(document), Contains("heading3: The wheel"));
  const auto tnef = parse(mail(multipart(
      "mixed", {text_part("One."), "Content-Type: application/ms-tnef; name=winmail.dat\n\nx\n"})));
  EXPECT_THAT(tnef.warning.message, HasSubstr("winmail.dat (Outlook"));
}

TEST(eml, images_are_found_again_by_their_source) {
  for (const auto* sample : {"report.eml", "forwarded.eml"}) {
    const auto bytes = read_sample(sample);
    std::size_t images = 0;
    for (const auto& e : parse(bytes).elements) {
      if (e.kind != element_kind::image) continue;
      ++images;
      const auto image = load_image(bytes, e.image.source, {});
      ASSERT_TRUE(image) << sample << e.image.source;
      EXPECT_EQ(image->size(), e.image.size);
    }
    EXPECT_GT(images, 0U) << sample;
    for (const auto* source : {"", "mime:", "mime:99", "mime:0", "mime:1/x", "mime:-1", "part:a"})
      EXPECT_FALSE(load_image(bytes, source, {})) << source;
  }
}

TEST(eml, without_images_none_is_looked_at) {
  parse_limits limits;
  limits.images = false;
  const auto document = parse_document(read_sample("report.eml"), limits, {});
  ASSERT_TRUE(document);
  for (const auto& e : document->elements) EXPECT_NE(e.kind, element_kind::image);
}

TEST(eml, messages_in_messages_end_at_the_limit) {
  std::string inner = mail("\nInnermost.\n", "level 9");
  for (int level = 8; level >= 0; --level)
    inner = mail(multipart("mixed",
                           {text_part("Text " + std::to_string(level)),
                            "Content-Type: message/rfc822\n\n" + inner},
                           "b" + std::to_string(level)),
                 "level " + std::to_string(level));
  const auto document = parse(inner);
  const auto lines = lines_of(document);
  EXPECT_THAT(lines, Contains("paragraph: Text 4"));
  EXPECT_THAT(lines, Not(Contains("paragraph: Text 5")));
  EXPECT_EQ(document.warning.code, ec::partly_read);
  EXPECT_THAT(document.warning.message, HasSubstr("level 5"));
}

TEST(eml, nested_parts_exhaust_no_stack) {
  std::string deep;
  for (int i = 0; i < 5000; ++i) {
    const auto boundary = "b" + std::to_string(i);
    deep += "Content-Type: multipart/mixed; boundary=" + boundary + "\n\n--" + boundary + "\n";
  }
  EXPECT_TRUE(parse_document(mail(deep + "\nThe end.\n"), {}, {}));
}

TEST(eml, too_many_parts_are_refused) {
  std::string many = mail("Content-Type: multipart/mixed; boundary=b\n\n");
  for (int i = 0; i < 100'002; ++i) many += "--b\n\n";
  EXPECT_EQ(parse_error(many).code, ec::limit_exceeded);
}

TEST(eml, encrypted_messages_say_so) {
  EXPECT_EQ(parse_error(read_sample("secret.eml")).code, ec::encrypted_document);
  const auto smime = parse_error(
      mail("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIIB\n"));
  EXPECT_EQ(smime.code, ec::encrypted_document);
  EXPECT_THAT(smime.message, HasSubstr("S/MIME"));
  EXPECT_EQ(parse_error(mail("\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n")).code,
            ec::encrypted_document);
}

TEST(eml, a_mailbox_is_read_message_by_message) {
  std::vector<std::uint32_t> done;
  const auto document = parse_document(read_sample("letters.mbox"), {},
                                       [&](const parse_progress& p) { done.push_back(p.pages); });
  ASSERT_TRUE(document);
  EXPECT_EQ(document->mime, "application/mbox");
  EXPECT_THAT(lines_of(*document), Contains("heading1: Letter 1"));
  EXPECT_THAT(lines_of(*document), Contains("heading1: Letter 2"));
  EXPECT_EQ(done.back(), 2U);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
}

TEST(eml, images_of_a_mailbox_are_found_again) {
  const auto box = "From a Tue May  7 09:30:01 2024\n" + mail("\nFirst.\n") +
                   "\nFrom b Tue May  7 09:30:02 2024\n" + read_sample("forwarded.eml");
  const auto document = parse(box);
  ASSERT_EQ(document.mime, "application/mbox");
  ASSERT_EQ(document.elements.back().kind, element_kind::image);
  const auto& image = document.elements.back().image;
  EXPECT_EQ(image.source, "mbox:1/mime:2/mime:2");
  EXPECT_EQ(load_image(box, image.source, {}).value_or("").size(), image.size);
}

TEST(eml, a_message_is_known_by_its_headers) {
  const auto mime = [](std::string_view bytes) { return detect_mime(bytes).value_or(""); };
  EXPECT_EQ(mime("From: a@b.c\nSubject: Two headers\n\nText.\n"), "message/rfc822");
  EXPECT_EQ(mime("From a@b.c Tue May  7 09:30:01 2024\nTo: x\nSubject: y\nDate: z\n\nText.\n"),
            "message/rfc822");
  EXPECT_EQ(mime("To: x\nSubject: y\nDate: z\nno blank line before the text\n"), "message/rfc822");
  EXPECT_EQ(body_of(parse("\n\nFrom: a@b.c\nTo: x\nSubject: y\n\nText.\n")).size(), 1U);
  EXPECT_EQ(mime("From here the path climbs.\nSubject: none\n"), "text/plain");
}

}  // namespace
}  // namespace millrace::parsers

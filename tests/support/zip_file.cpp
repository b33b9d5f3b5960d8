#include "tests/support/zip_file.hpp"

#include <gtest/gtest.h>
#include <zip.h>

namespace millrace {

std::string make_zip(const zip_parts& parts) {
  zip_source_t* target = zip_source_buffer_create(nullptr, 0, 0, nullptr);
  zip_source_keep(target);
  zip_t* archive = zip_open_from_source(target, ZIP_TRUNCATE, nullptr);
  for (const auto& [name, content] : parts)
    zip_file_add(archive, name.c_str(),
                 zip_source_buffer(archive, content.data(), content.size(), 0), 0);
  EXPECT_EQ(zip_close(archive), 0);
  zip_stat_t stat;
  zip_source_stat(target, &stat);
  std::string out(stat.size, '\0');
  zip_source_open(target);
  zip_source_read(target, out.data(), out.size());
  zip_source_close(target);
  zip_source_free(target);
  return out;
}

std::string make_docx(const std::string& body, const zip_parts& more) {
  zip_parts parts{
      {"[Content_Types].xml",
       R"(<Types><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.)"
       R"(wordprocessingml.document.main+xml"/></Types>)"},
      {"word/document.xml", "<w:document><w:body>" + body + "</w:body></w:document>"}};
  parts.insert(parts.end(), more.begin(), more.end());
  return make_zip(parts);
}

std::string make_picture_docx(const std::vector<docx_picture>& pictures) {
  std::string body, relations;
  zip_parts parts;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const auto n = std::to_string(i);
    body += "<w:p><w:r><w:drawing><wp:inline><wp:docPr id=\"1\" name=\"p\" descr=\"" +
            pictures[i].description +
            "\"/><a:graphic><a:graphicData><pic:pic><pic:blipFill><a:blip r:embed=\"rId" + n +
            "\"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing>"
            "</w:r></w:p>";
    relations += "<Relationship Id=\"rId" + n +
                 "\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
                 "image\" Target=\"media/" +
                 n + ".png\"/>";
    parts.emplace_back("word/media/" + n + ".png", pictures[i].png);
  }
  parts.emplace_back("word/_rels/document.xml.rels",
                     "<Relationships>" + relations + "</Relationships>");
  return make_docx(body, parts);
}

}  // namespace millrace

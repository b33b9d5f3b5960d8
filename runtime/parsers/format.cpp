#include "runtime/parsers/format.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "runtime/parsers/zip_container.hpp"

namespace millrace::parsers {

namespace {

constexpr auto archive = format_group::archive;

constexpr std::array formats{
    format{"text/plain", "plain text", parse_plain_text},
    format{"text/markdown", "Markdown", parse_markdown, format_group::document, load_html_image},
    format{"text/html", "HTML", parse_html, format_group::document, load_html_image},
    format{"text/csv", "CSV", parse_csv},
    format{"application/pdf", "PDF", parse_pdf, format_group::document, load_pdf_image},
    format{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Word (DOCX)",
           parse_docx, format_group::document, load_zip_part},
    format{"application/vnd.oasis.opendocument.text", "OpenDocument text (ODT)", parse_odf,
           format_group::document, load_zip_part},
    format{"application/vnd.oasis.opendocument.spreadsheet", "OpenDocument spreadsheet (ODS)",
           parse_odf, format_group::document, load_zip_part},
    format{"application/vnd.oasis.opendocument.presentation", "OpenDocument presentation (ODP)",
           parse_odf, format_group::document, load_zip_part},
    format{"application/vnd.oasis.opendocument.graphics", "OpenDocument drawing (ODG)", parse_odf,
           format_group::document, load_zip_part},
    format{"application/epub+zip", "electronic book (EPUB)", parse_epub, format_group::document,
           load_zip_part},
    format{"application/rtf", "Rich Text Format (RTF)", parse_rtf, format_group::document,
           load_rtf_image},
    format{"image/png", "PNG image", parse_image_file, format_group::document, load_image_file},
    format{"image/jpeg", "JPEG image", parse_image_file, format_group::document, load_image_file},
    format{"image/tiff", "TIFF image", parse_tiff, format_group::document, load_image_file},
    format{"image/webp", "WebP image", parse_image_file, format_group::document, load_image_file},
    format{"image/gif", "GIF image", parse_image_file, format_group::document, load_image_file},
    format{"image/bmp", "BMP image", parse_image_file, format_group::document, load_image_file},

    // Told apart, so that the message names them.
    format{"application/vnd.openxmlformats-officedocument.presentationml.presentation",
           "PowerPoint (PPTX)", parse_pptx, format_group::document, load_zip_part},
    format{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Excel (XLSX)",
           parse_xlsx, format_group::document, load_zip_part},
    format{"application/vnd.ms-excel.sheet.binary.macroenabled.12", "Excel binary workbook (XLSB)"},
    format{"message/rfc822", "e-mail message (EML)", parse_eml, format_group::document,
           load_eml_image},
    format{"application/mbox", "mailbox (mbox)", parse_mailbox, format_group::document,
           load_mailbox_image},
    format{"application/json", "JSON", parse_json},
    format{"application/x-ndjson", "JSON Lines", parse_json_lines},
    format{"application/xml", "XML", parse_xml},
    format{"text/x-rst", "reStructuredText", parse_restructured_text},
    format{"application/msword", "Word 97-2003 document (DOC)", parse_doc},
    format{"application/vnd.ms-excel", "Excel 97-2003 workbook (XLS)", nullptr,
           format_group::document, nullptr, "save it as XLSX"},
    format{"application/vnd.ms-powerpoint", "PowerPoint 97-2003 presentation (PPT)", parse_ppt},
    format{"application/vnd.ms-outlook", "Outlook message (MSG)"},
    format{"application/x-ole-storage", "OLE compound file"},
    format{"image/emf", "EMF drawing"},
    format{"image/wmf", "WMF drawing"},
    format{"image/svg+xml", "SVG drawing"},

    format{"application/encrypted-office", "password-protected Office document", nullptr,
           format_group::encrypted},

    format{"application/zip", "ZIP archive", nullptr, archive},
    format{"application/gzip", "gzip archive", nullptr, archive},
    format{"application/x-tar", "tar archive", nullptr, archive},
    format{"application/x-7z-compressed", "7-Zip archive", nullptr, archive},
    format{"application/x-rar", "RAR archive", nullptr, archive},
    format{"application/x-bzip2", "bzip2 archive", nullptr, archive},
    format{"application/x-xz", "xz archive", nullptr, archive},
    format{"application/zstd", "Zstandard archive", nullptr, archive},
};

}  // namespace

const format* find_format(std::string_view mime) {
  const auto* at = std::find_if(formats.begin(), formats.end(),
                                [&](const format& row) { return row.mime == mime; });
  return at == formats.end() ? nullptr : at;
}

std::string supported_formats() {
  std::string out;
  for (const auto& row : formats) {
    if (row.parse == nullptr) continue;
    if (!out.empty()) out += ", ";
    out += row.name;
  }
  return out;
}

}  // namespace millrace::parsers

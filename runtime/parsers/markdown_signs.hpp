// Tells Markdown from plain text. Pure, any thread.
#pragma once

#include <string_view>

namespace millrace::parsers {

/// Markdown has no signature, so signs are weighed: a text is Markdown from a weight of 4.
///
/// | sign                                            | weight | at most |
/// |-------------------------------------------------|--------|---------|
/// | `# Heading` between blank lines                 | 2      | 6       |
/// | `## Heading` and deeper between blank lines     | 3      | 6       |
/// | the same as the first line                      | 4      | 4       |
/// | a fenced block, opened and closed               | 4      | 4       |
/// | the line below a table's header (`| --- | --- |`) | 4    | 4       |
/// | front matter (`---` ... `---`) with a key       | 3      | 3       |
/// | `[text](target)` or `![text](target)`           | 2      | 4       |
/// | heading underlined by `===` or `---`            | 1      | 2       |
/// | item of a list (`- `, `* `, `1. `)              | 1/3    | 2       |
/// | `**strong**`, `` `code` ``                      | 1      | 2       |
/// | quoted line (`> `)                              | 1/2    | 1       |
///
/// A `#!` first line says script: then nothing is a sign.
bool has_markdown_signs(std::string_view sample);

}  // namespace millrace::parsers

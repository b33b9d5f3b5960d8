// Makes PDF documents for tests.
#pragma once

#include <string>
#include <vector>

namespace millrace {

/// One page for each text, a line for each line of it. Letters, digits and spaces only.
std::string make_pdf(const std::vector<std::string>& pages);

}  // namespace millrace

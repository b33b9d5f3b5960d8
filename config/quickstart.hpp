// config/quickstart.toml as text; CMake writes its definition into the build folder.
#pragma once

#include <string_view>

namespace millrace {

extern const std::string_view quickstart_toml;

}  // namespace millrace

// Files of the test tree, compressed ones too.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::sqltest {

// The whole file; what ends in .zst decompressed.
Result<std::string> read_file(const std::string& path);
// What an open file holds, from its beginning: a temporary one that another process has written.
std::string read_all(std::FILE* file);
Status write_file(const std::string& path, std::string_view text);

// The lines, without their line feeds.
std::vector<std::string> split_lines(std::string_view text);
Result<std::vector<std::string>> read_lines(const std::string& path);

}  // namespace penstock::sqltest

// Recorded results that are checked by their checksum, as tests/sql/nexmark/README.md describes them.
#pragma once

#include <string>

#include "base/result.h"
#include "sqltest/rows.h"

namespace penstock::sqltest {

// Checks the rows (in canonical form, sorted by their bytes) against the golden FOLDER/NAME: the number of rows and the
// SHA-256 that FOLDER.json has for NAME. The error shows how they differ from FOLDER/NAME.tsv.zst, as far as that goes.
Status check_golden(const std::string& path, const Lines& rows);

// In lower-case hexadecimal digits.
std::string sha256(const Lines& lines);

}  // namespace penstock::sqltest

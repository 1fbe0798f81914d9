// Any text either fails to parse, or its printed form parses to the same tree and prints the same again.
// Seeds: src/sql/testdata/*.txt, cut at lines.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/check.h"
#include "sql/parser.h"
#include "sql/printer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock::sql;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto statements = split_statements(text);
  auto first = parse_statement(text);
  if (!first) {
    describe_error(text, first.error());
    return 0;
  }
  PENSTOCK_CHECK(statements && statements->size() == 1, "one statement parses as one");
  std::string printed = print(*first);
  auto second = parse_statement(printed);
  PENSTOCK_CHECK(second, "printed SQL parses: " + printed);
  PENSTOCK_CHECK(*first == *second, "printed SQL means the same: " + printed);
  PENSTOCK_CHECK(print(*second) == printed, "printing is stable: " + printed);
  return 0;
}

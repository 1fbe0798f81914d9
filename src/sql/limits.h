// The bounds of SQL text. Each one turns hostile input into a clear error before it can cost memory or stack.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::sql {

// One statement. Its syntax tree takes up to about 50 times as much memory.
inline constexpr size_t kStatementBytesMax = 4 << 20;
// A script of many statements.
inline constexpr size_t kScriptBytesMax = 64 << 20;
// A name, in bytes of UTF-8.
inline constexpr size_t kIdentifierBytesMax = 255;
// The height of a syntax tree, so that code may walk it (and destroy it) recursively. Chains of AND, OR, UNION and
// list elements lie flat and do not count; a chain of other operators counts one per operator, and a longer one of + or
// || as much as a balanced tree of its operands.
inline constexpr uint32_t kNestingDepthMax = 500;
// So many operands of + or || are computed from the left; of more, any grouping may be.
inline constexpr size_t kLeftGroupedOperandsMax = 100;
// Of a qualified name: catalog.schema.object.
inline constexpr size_t kNamePartsMax = 3;
// The same with a column. What follows are fields of rows.
inline constexpr size_t kColumnNamePartsMax = kNamePartsMax + 1;
// How often a part of a row pattern can be asked for: {n,m}.
inline constexpr uint32_t kRepetitionsMax = 4096;
// The highest $n.
inline constexpr uint32_t kParametersMax = 65535;

}  // namespace penstock::sql

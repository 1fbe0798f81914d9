// Functions that take parts of text, or look for them.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <type_traits>

#include "expr/binding.h"
#include "expr/utf8.h"

namespace penstock::expr {

namespace {

// --- parts ---

// SUBSTRING: positions count from 1, negative ones from the end; nothing stands before the beginning.
std::string_view part_of(std::string_view text, int64_t from, int64_t length) {
  if (length <= 0) return {};
  const auto count = static_cast<int64_t>(character_count(text));
  const int64_t begin = from > 0 ? from - 1 : (from < 0 ? count + std::max(from, -count - 1) : 0);
  if (begin < 0 || begin >= count) return {};
  const size_t first = character_offset(text, static_cast<size_t>(begin));
  const int64_t size = std::min(length, count - begin);
  return text.substr(first, character_offset(text.substr(first), static_cast<size_t>(size)));
}

void substring(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto froms = call.argument<int64_t>(1);
  bool has_length = call.argument_count() > 2;
  ArgumentView<int64_t> lengths = has_length ? call.argument<int64_t>(2) : froms;
  TextOutput out(call);
  for_valid_rows(call, [&](size_t row) {
    if (has_length && lengths[row] < 0) return call.set_null(row);
    out.set_part_of(0, row, part_of(texts[row].view(), froms[row], has_length ? lengths[row] : INT64_MAX));
  });
  out.finish();
}

void left_part(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto counts = call.argument<int64_t>(1);
  TextOutput out(call);
  for_valid_rows(call, [&](size_t row) { out.set_part_of(0, row, part_of(texts[row].view(), 1, counts[row])); });
  out.finish();
}

void right_part(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto counts = call.argument<int64_t>(1);
  TextOutput out(call);
  for_valid_rows(call, [&](size_t row) {
    std::string_view text = texts[row].view();
    if (counts[row] <= 0) return out.set_part_of(0, row, {});
    size_t count = character_count(text);
    auto wanted = std::min(static_cast<uint64_t>(counts[row]), static_cast<uint64_t>(count));
    out.set_part_of(0, row, text.substr(character_offset(text, count - wanted)));
  });
  out.finish();
}

// Cuts off the characters that are in `set`.
template <bool front, bool back>
std::string_view trimmed(std::string_view text, std::string_view set) {
  auto in_set = [&](std::string_view character) { return set.find(character) != set.npos; };
  if (front) {
    while (!text.empty() && in_set(text.substr(0, character_bytes(text, 0)))) {
      text.remove_prefix(character_bytes(text, 0));
    }
  }
  if (back) {
    while (!text.empty()) {
      size_t at = text.size() - 1;
      while (at > 0 && text.size() - at < 4 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
      if (at + character_bytes(text, at) != text.size()) at = text.size() - 1;
      if (!in_set(text.substr(at))) break;
      text = text.substr(0, at);
    }
  }
  return text;
}

template <bool front, bool back>
void trim(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  const StringCell space(" ");
  ArgumentView<StringCell> sets =
      call.argument_count() > 1 ? call.argument<StringCell>(1) : ArgumentView<StringCell>(&space, 0);
  TextOutput out(call);
  for_valid_rows(
      call, [&](size_t row) { out.set_part_of(0, row, trimmed<front, back>(texts[row].view(), sets[row].view())); });
  out.finish();
}

// The part with an index, from 0, of a text cut at a separator, or at each space where that is empty; nothing when
// there is no such part, and in empty text.
std::optional<std::string_view> part_at(std::string_view text, std::string_view separator, int64_t index) {
  constexpr std::string_view kSpaces = " \t\n\v\f\r";
  if (index < 0 || text.empty()) return std::nullopt;
  const auto find = [&] { return separator.empty() ? text.find_first_of(kSpaces) : find_part(text, separator); };
  const size_t size = std::max<size_t>(separator.size(), 1);
  for (; index > 0; --index) {
    const size_t at = find();
    if (at == text.npos) return std::nullopt;
    text.remove_prefix(at + size);
  }
  return text.substr(0, find());
}

// The character with a code of Latin-1, as UTF-8; nothing for other codes.
std::string latin_character(int64_t code) {
  if (code < 1 || code > 255) return {};
  if (code < 128) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

// SPLIT_INDEX(text, separator, index from 0), where the separator may be the code of a character.
template <class Separator>
void split_index(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto separators = call.argument<Separator>(1);
  auto indexes = call.argument<int64_t>(2);
  TextOutput out(call);
  for_valid_rows(call, [&](size_t row) {
    std::optional<std::string_view> part;
    if constexpr (std::is_same_v<Separator, StringCell>) {
      part = part_at(texts[row].view(), separators[row].view(), indexes[row]);
    } else {
      const std::string separator = latin_character(separators[row]);
      if (!separator.empty()) part = part_at(texts[row].view(), separator, indexes[row]);
    }
    part ? out.set_part_of(0, row, *part) : call.set_null(row);
  });
  out.finish();
}

bool bind_split_index(CallSignature& call) {
  if (call.argument_types.size() == 3 && call.argument_types[1].is_integer()) {
    return bind_fixed<split_index<int64_t>, TypeKind::kString, Takes::kText, Takes::kInteger, Takes::kInteger>(call);
  }
  return bind_fixed<split_index<StringCell>, TypeKind::kString, Takes::kText, Takes::kText, Takes::kInteger>(call);
}

// --- measures and positions, in characters ---

void char_length(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  map_valid<int64_t>(call, [&](size_t row) { return character_count(texts[row].view()); });
}
void octet_length(KernelCall& call) {
  map_unary<int64_t, StringCell>(call, [](const StringCell& text) { return text.size(); });
}
void bit_length(KernelCall& call) {
  map_unary<int64_t, StringCell>(call, [](const StringCell& text) { return text.size() * 8; });
}
void ascii(KernelCall& call) {
  map_unary<int64_t, StringCell>(
      call, [](const StringCell& text) { return text.size() == 0 ? 0 : static_cast<uint8_t>(text.view()[0]); });
}

// The position of `search` in `text` from character `from` (1 is the first) on; 0 when it is not there. What is empty
// is at the beginning.
int64_t position_of(std::string_view search, std::string_view text, int64_t from) {
  if (search.empty()) return 1;
  size_t begin = character_offset(text, static_cast<size_t>(std::max<int64_t>(from, 1) - 1));
  size_t at = text.find(search, begin);
  return at == text.npos ? 0 : static_cast<int64_t>(character_count(text.substr(0, at))) + 1;
}

// POSITION(search IN text), LOCATE(search, text [, from]).
void locate(KernelCall& call) {
  auto searches = call.argument<StringCell>(0);
  auto texts = call.argument<StringCell>(1);
  bool has_from = call.argument_count() > 2;
  static constexpr int64_t kFirst = 1;
  ArgumentView<int64_t> froms = has_from ? call.argument<int64_t>(2) : ArgumentView<int64_t>(&kFirst, 0);
  map_valid<int64_t>(call,
                     [&](size_t row) { return position_of(searches[row].view(), texts[row].view(), froms[row]); });
}
void instr(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto searches = call.argument<StringCell>(1);
  map_valid<int64_t>(call, [&](size_t row) { return position_of(searches[row].view(), texts[row].view(), 1); });
}

// INSTR(text, search, from, n): the n-th place from a position on, or to the left of one that counts from the end.
// Places may overlap.
int64_t place_of(std::string_view text, std::string_view search, int64_t from, int64_t n) {
  if (from == 0) return 0;
  const auto count = static_cast<int64_t>(character_count(text));
  // Any number of times.
  if (search.empty()) return from > 0 ? 1 : count + 1;
  size_t at = text.npos;
  if (from > 0) {
    at = text.find(search, character_offset(text, static_cast<size_t>(from - 1)));
    while (at != text.npos && --n > 0) at = text.find(search, at + 1);
  } else if (count + from >= 0) {
    // What is found stands before the character behind it.
    const size_t end = character_offset(text, static_cast<size_t>(count + from + 1));
    if (end >= search.size()) at = text.rfind(search, end - search.size());
    while (at != text.npos && --n > 0) at = at == 0 ? text.npos : text.rfind(search, at - 1);
  }
  return at == text.npos ? 0 : static_cast<int64_t>(character_count(text.substr(0, at))) + 1;
}

void instr_from(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto searches = call.argument<StringCell>(1);
  auto froms = call.argument<int64_t>(2);
  static constexpr int64_t kFirst = 1;
  ArgumentView<int64_t> numbers =
      call.argument_count() > 3 ? call.argument<int64_t>(3) : ArgumentView<int64_t>(&kFirst, 0);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    if (numbers[row] >= 1) return place_of(texts[row].view(), searches[row].view(), froms[row], numbers[row]);
    call.fail(row, "INSTR looks for the first occurrence or a later one");
    return 0;
  });
}

void starts_with(KernelCall& call) {
  map_binary<uint8_t, StringCell, StringCell>(
      call, [](const StringCell& text, const StringCell& part) { return text.view().starts_with(part.view()); });
}
void ends_with(KernelCall& call) {
  map_binary<uint8_t, StringCell, StringCell>(
      call, [](const StringCell& text, const StringCell& part) { return text.view().ends_with(part.view()); });
}

// Two texts, or two of BYTES.
template <Kernel kernel>
bool bind_two_alike(CallSignature& call) {
  static constexpr std::array kTexts{Takes::kText, Takes::kText};
  static constexpr std::array kBytes{Takes::kBytes, Takes::kBytes};
  if (!accept_arguments(call, kTexts, 2) && !accept_arguments(call, kBytes, 2)) return false;
  call.result = TypeKind::kBoolean;
  call.kernel = kernel;
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kText;
using enum Takes;
constexpr TypeKind kString = TypeKind::kString;
constexpr TypeKind kInt = TypeKind::kInt;
constexpr TypeKind kTruth = TypeKind::kBoolean;

constexpr auto kSubstring = bind_optional<substring, kString, 2, kText, kInteger, kInteger>;
constexpr auto kCharLength = bind_fixed<char_length, kInt, kText>;

constexpr ScalarFunction kFunctions[] = {
    {"SUBSTRING", kCategory, "SUBSTRING(text, from [, length])",
     "A part of the text; positions count from 1, as does 0, negative ones from the end. Empty from before the "
     "beginning on, NULL for a negative length.",
     "SUBSTRING('penstock', 4) => stock\nSUBSTRING('penstock', -5, 2) => st", kSubstring, NullRule::kMakes},
    {"SUBSTR", kCategory, "SUBSTR(text, from [, length])", "The same as SUBSTRING.", "SUBSTR('penstock', 1, 3) => pen",
     kSubstring, NullRule::kMakes},
    {"LEFT", kCategory, "LEFT(text, count)", "The first characters.", "LEFT('penstock', 3) => pen",
     bind_fixed<left_part, kString, kText, kInteger>},
    {"RIGHT", kCategory, "RIGHT(text, count)", "The last characters.", "RIGHT('penstock', 5) => stock",
     bind_fixed<right_part, kString, kText, kInteger>},
    {"TRIM", kCategory, "TRIM(text [, characters])", "Without spaces, or those characters, at both ends.",
     "TRIM('  a ') => a", bind_optional<trim<true, true>, kString, 1, kText, kText>},
    {"BTRIM", kCategory, "BTRIM(text [, characters])", "The same as TRIM.", "BTRIM('xax', 'x') => a",
     bind_optional<trim<true, true>, kString, 1, kText, kText>},
    {"LTRIM", kCategory, "LTRIM(text [, characters])", "Without spaces, or those characters, at the beginning.",
     "LTRIM('xxa', 'x') => a", bind_optional<trim<true, false>, kString, 1, kText, kText>},
    {"RTRIM", kCategory, "RTRIM(text [, characters])", "Without spaces, or those characters, at the end.",
     "RTRIM('axx', 'x') => a", bind_optional<trim<false, true>, kString, 1, kText, kText>},
    {"SPLIT_INDEX", kCategory, "SPLIT_INDEX(text, separator, index)",
     "The part with that index, from 0, of the text cut at a separator (at spaces where it is empty), or at the "
     "character with that code (1 to 255); NULL when there is none.",
     "SPLIT_INDEX('a,b,c', ',', 1) => b\nSPLIT_INDEX('a b', 32, 1) => b\nSPLIT_INDEX('a,b', ',', 2) => NULL",
     bind_split_index, NullRule::kMakes},
    {"CHAR_LENGTH", kCategory, "CHAR_LENGTH(text)", "The number of characters.", "CHAR_LENGTH('abc') => 3",
     kCharLength},
    {"CHARACTER_LENGTH", kCategory, "CHARACTER_LENGTH(text)", "The number of characters.",
     "CHARACTER_LENGTH('abc') => 3", kCharLength},
    {"LENGTH", kCategory, "LENGTH(text)", "The number of characters.", "LENGTH('abc') => 3", kCharLength},
    {"OCTET_LENGTH", kCategory, "OCTET_LENGTH(text)", "The number of bytes.", "OCTET_LENGTH('abc') => 3",
     bind_fixed<octet_length, kInt, kTextOrBytes>},
    {"ASCII", kCategory, "ASCII(text)", "The code of the first byte; 0 of empty text.", "ASCII('A') => 65",
     bind_fixed<ascii, kInt, kText>},
    {"POSITION", kCategory, "POSITION(search, text)", "Where text is found, from 1; 0 when it is not.",
     "POSITION('st', 'penstock') => 4", bind_fixed<locate, kInt, kText, kText>},
    {"LOCATE", kCategory, "LOCATE(search, text [, from])", "Where text is found from a position on; 0 when it is not.",
     "LOCATE('a', 'banana', 3) => 4", bind_optional<locate, kInt, 2, kText, kText, kInteger>},
    {"INSTR", kCategory, "INSTR(text, search)", "Where text is found, from 1; 0 when it is not.",
     "INSTR('penstock', 'st') => 4", bind_fixed<instr, kInt, kText, kText>},
    {"INSTR", kCategory, "INSTR(text, search, from [, n])",
     "Where text is found for the n-th time from a position on, to the left from a negative one, which counts from the "
     "end; 0 when it is not.",
     "INSTR('Corporate Floor', 'or', 3, 2) => 14\nINSTR('Corporate Floor', 'or', -3, 2) => 2",
     bind_optional<instr_from, kInt, 3, kText, kText, kInteger, kInteger>},
    {"STRPOS", kCategory, "STRPOS(text, search)", "The same as INSTR.", "STRPOS('penstock', 'st') => 4",
     bind_fixed<instr, kInt, kText, kText>},
    {"STARTS_WITH", kCategory, "STARTS_WITH(text, part)", "The same as STARTSWITH.",
     "STARTS_WITH('penstock', 'pen') => TRUE", bind_fixed<starts_with, kTruth, kText, kText>},
    {"BIT_LENGTH", kCategory, "BIT_LENGTH(text)", "The number of bits.", "BIT_LENGTH('abc') => 24",
     bind_fixed<bit_length, kInt, kTextOrBytes>},
    {"STARTSWITH", kCategory, "STARTSWITH(text, part)", "Whether the text, or BYTES, begins so.",
     "STARTSWITH('penstock', 'pen') => TRUE\nSTARTSWITH(UNHEX('0a0b'), UNHEX('0b')) => FALSE",
     bind_two_alike<starts_with>},
    {"ENDSWITH", kCategory, "ENDSWITH(text, part)", "Whether the text, or BYTES, ends so.",
     "ENDSWITH('penstock', 'stock') => TRUE", bind_two_alike<ends_with>},
};

}  // namespace

std::span<const ScalarFunction> text_parts_functions() { return kFunctions; }

}  // namespace penstock::expr

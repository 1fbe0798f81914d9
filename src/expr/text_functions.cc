// Functions that make text of text.
#include <algorithm>

#include "expr/binding.h"
#include "expr/registry.h"
#include "expr/utf8.h"

namespace penstock::expr {

namespace {

// The longest text that a function makes: REPEAT and LPAD could ask for any.
constexpr size_t kTextBytesMax = 16 * 1024 * 1024;
constexpr std::string_view kTooLong = "the result is longer than 16 MiB";

// Text from `append(std::string& out, row)` for the rows that are not NULL; false from it fails the row.
template <class F>
void build_rows(KernelCall& call, F append) {
  TextOutput out(call);
  std::string text;
  for_valid_rows(call, [&](size_t row) {
    text.clear();
    if (!append(text, row)) return call.fail(row, std::string(kTooLong));
    out.set(row, text);
  });
  out.finish();
}

template <void (*append)(std::string&, std::string_view)>
void map_text(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  build_rows(call, [&](std::string& out, size_t row) {
    append(out, texts[row].view());
    return true;
  });
}

void append_reversed(std::string& out, std::string_view text) {
  if (is_ascii(text)) {
    out.append(text.rbegin(), text.rend());
    return;
  }
  out.resize(text.size());
  size_t end = text.size();
  for (size_t at = 0; at < text.size();) {
    size_t bytes = character_bytes(text, at);
    end -= bytes;
    text.copy(out.data() + end, bytes, at);
    at += bytes;
  }
}

// Words are runs of letters and digits.
void append_initcap(std::string& out, std::string_view text) {
  std::string lower;
  append_lower(lower, text);
  bool in_word = false;
  for (size_t at = 0; at < lower.size();) {
    size_t bytes = character_bytes(lower, at);
    std::string_view character = std::string_view(lower).substr(at, bytes);
    bool is_word =
        bytes > 1 || (character[0] >= 'a' && character[0] <= 'z') || (character[0] >= '0' && character[0] <= '9');
    if (is_word && !in_word) {
      append_upper(out, character);
    } else {
      out += character;
    }
    in_word = is_word;
    at += bytes;
  }
}

void concat(KernelCall& call) {
  std::vector<ArgumentView<StringCell>> arguments;
  for (size_t i = 0; i < call.argument_count(); ++i) arguments.push_back(call.argument<StringCell>(i));
  build_rows(call, [&](std::string& out, size_t row) {
    for (const ArgumentView<StringCell>& argument : arguments) out += argument[row].view();
    return true;
  });
}

bool bind_concat(CallSignature& call) {
  if (call.argument_types.empty()) return false;
  // Other types are taken as their text.
  std::fill(call.argument_types.begin(), call.argument_types.end(), DataType(TypeKind::kString));
  call.result = TypeKind::kString;
  call.kernel = concat;
  return true;
}

bool bind_concat_operator(CallSignature& call) {
  if (call.argument_types.size() != 2) return false;
  auto is_text = [](DataType type) { return type.kind() == TypeKind::kString || type.kind() == TypeKind::kNull; };
  if (!is_text(call.argument_types[0]) && !is_text(call.argument_types[1])) return false;
  if (call.argument_types[0].kind() == TypeKind::kArray || call.argument_types[1].kind() == TypeKind::kArray) {
    return false;
  }
  return bind_concat(call);
}

// Leaves out NULLs; NULL only when the separator is.
void concat_ws(KernelCall& call) {
  std::vector<ArgumentView<StringCell>> arguments;
  for (size_t i = 0; i < call.argument_count(); ++i) arguments.push_back(call.argument<StringCell>(i));
  for (size_t row = 0; row < call.rows(); ++row) {
    if (call.is_argument_null(0, row)) call.set_null(row);
  }
  build_rows(call, [&](std::string& out, size_t row) {
    bool first = true;
    for (size_t i = 1; i < arguments.size(); ++i) {
      if (call.is_argument_null(i, row)) continue;
      if (!first) out += arguments[0][row].view();
      first = false;
      out += arguments[i][row].view();
    }
    return true;
  });
}
bool bind_concat_ws(CallSignature& call) {
  if (call.argument_types.size() < 2) return false;
  std::fill(call.argument_types.begin(), call.argument_types.end(), DataType(TypeKind::kString));
  call.result = TypeKind::kString;
  call.kernel = concat_ws;
  return true;
}

void replace(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto searched = call.argument<StringCell>(1);
  auto replacements = call.argument<StringCell>(2);
  build_rows(call, [&](std::string& out, size_t row) {
    std::string_view text = texts[row].view();
    std::string_view search = searched[row].view();
    if (search.empty()) {
      out = text;
      return true;
    }
    size_t begin = 0;
    for (size_t at = find_part(text, search); at != text.npos; at = find_part(text, search, begin)) {
      out.append(text.substr(begin, at - begin)).append(replacements[row].view());
      if (out.size() > kTextBytesMax) return false;
      begin = at + search.size();
    }
    out.append(text.substr(begin));
    return true;
  });
}

void repeat(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto counts = call.argument<int64_t>(1);
  build_rows(call, [&](std::string& out, size_t row) {
    std::string_view text = texts[row].view();
    if (counts[row] <= 0 || text.empty()) return true;
    if (static_cast<uint64_t>(counts[row]) > kTextBytesMax / text.size()) return false;
    for (int64_t i = 0; i < counts[row]; ++i) out += text;
    return true;
  });
}

// LPAD, RPAD: exactly so many characters; longer text is cut. NULL for a negative length, and where there is nothing to
// fill up with.
template <bool left>
void pad(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto lengths = call.argument<int64_t>(1);
  bool has_padding = call.argument_count() > 2;
  const StringCell space(" ");
  ArgumentView<StringCell> paddings = has_padding ? call.argument<StringCell>(2) : ArgumentView<StringCell>(&space, 0);
  for_valid_rows(call, [&](size_t row) {
    const bool fits = lengths[row] >= 0 && (!paddings[row].view().empty() ||
                                            static_cast<uint64_t>(lengths[row]) <= character_count(texts[row].view()));
    if (!fits) call.set_null(row);
  });
  build_rows(call, [&](std::string& out, size_t row) {
    std::string_view text = texts[row].view();
    std::string_view padding = paddings[row].view();
    size_t count = character_count(text);
    auto length = static_cast<uint64_t>(lengths[row]);
    if (length > kTextBytesMax / 4) return false;
    if (length <= count) {
      out = text.substr(0, character_offset(text, length));
      return true;
    }
    if (!left) out = text;
    size_t missing = length - count;
    size_t unit = character_count(padding);
    for (size_t i = 0; i < missing / unit; ++i) out += padding;
    out += padding.substr(0, character_offset(padding, missing % unit));
    if (left) out += text;
    return true;
  });
}

// OVERLAY(text PLACING replacement FROM start [FOR length]); positions count from 1.
void overlay(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto replacements = call.argument<StringCell>(1);
  auto starts = call.argument<int64_t>(2);
  bool has_length = call.argument_count() > 3;
  ArgumentView<int64_t> lengths = has_length ? call.argument<int64_t>(3) : starts;
  build_rows(call, [&](std::string& out, size_t row) {
    std::string_view text = texts[row].view();
    std::string_view replacement = replacements[row].view();
    int64_t count = static_cast<int64_t>(character_count(text));
    int64_t start = starts[row];
    if (start < 1 || start > count) {
      out = text;
      return true;
    }
    int64_t length = has_length ? lengths[row] : static_cast<int64_t>(character_count(replacement));
    int64_t end = std::clamp<int64_t>(length, 0, count - start + 1) + start - 1;
    out.append(text.substr(0, character_offset(text, static_cast<size_t>(start - 1))));
    out.append(replacement);
    out.append(text.substr(character_offset(text, static_cast<size_t>(end))));
    return true;
  });
}

void chr(KernelCall& call) {
  auto codes = call.argument<int64_t>(0);
  build_rows(call, [&](std::string& out, size_t row) {
    if (codes[row] < 0) return true;
    // A byte's worth of Latin-1, as Flink has it.
    auto code = static_cast<unsigned>(codes[row] & 255);
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else {
      out += static_cast<char>(0xC0 | code >> 6);
      out += static_cast<char>(0x80 | (code & 0x3F));
    }
    return true;
  });
}

constexpr FunctionCategory kCategory = FunctionCategory::kText;
using enum Takes;
constexpr TypeKind kString = TypeKind::kString;

constexpr ScalarFunction kFunctions[] = {
    {"||", kCategory, "a || b", "Two texts one after the other; other types as their text.", "'a' || 'b' => ab",
     bind_concat_operator},
    {"CONCAT", kCategory, "CONCAT(value, ...)", "Texts one after the other; NULL when one is NULL.",
     "CONCAT('a', 'b', 'c') => abc", bind_concat},
    {"CONCAT_WS", kCategory, "CONCAT_WS(separator, value, ...)", "Texts joined by a separator; NULLs are left out.",
     "CONCAT_WS('-', 'a', NULL, 'b') => a-b", bind_concat_ws, NullRule::kHandles},
    {"UPPER", kCategory, "UPPER(text)", "The text in upper case.", "UPPER('abc') => ABC",
     bind_fixed<map_text<append_upper>, kString, kText>},
    {"LOWER", kCategory, "LOWER(text)", "The text in lower case.", "LOWER('ABC') => abc",
     bind_fixed<map_text<append_lower>, kString, kText>},
    {"INITCAP", kCategory, "INITCAP(text)", "Each word with a capital.", "INITCAP('two WORDS') => Two Words",
     bind_fixed<map_text<append_initcap>, kString, kText>},
    {"REVERSE", kCategory, "REVERSE(text)", "The characters from last to first.", "REVERSE('abc') => cba",
     bind_fixed<map_text<append_reversed>, kString, kText>},
    {"REPLACE", kCategory, "REPLACE(text, search, replacement)", "Every occurrence replaced.",
     "REPLACE('a-b-c', '-', '') => abc", bind_fixed<replace, kString, kText, kText, kText>},
    {"REPEAT", kCategory, "REPEAT(text, count)", "The text so many times.", "REPEAT('ab', 3) => ababab",
     bind_fixed<repeat, kString, kText, kInteger>},
    {"LPAD", kCategory, "LPAD(text, length [, padding])", "Filled on the left to so many characters, or cut to them.",
     "LPAD('7', 3, '0') => 007\nLPAD('7', 3, '') => NULL", bind_optional<pad<true>, kString, 2, kText, kInteger, kText>,
     NullRule::kMakes},
    {"RPAD", kCategory, "RPAD(text, length [, padding])", "Filled on the right to so many characters, or cut to them.",
     "RPAD('7', 3, '0') => 700", bind_optional<pad<false>, kString, 2, kText, kInteger, kText>, NullRule::kMakes},
    {"OVERLAY", kCategory, "OVERLAY(text, replacement, start [, length])",
     "The text with a part replaced; positions count from 1.", "OVERLAY('abcdef', 'XX', 2, 3) => aXXef",
     bind_optional<overlay, kString, 3, kText, kText, kInteger, kInteger>},
    {"CHR", kCategory, "CHR(code)", "The character with that code, 0 to 255.", "CHR(65) => A",
     bind_fixed<chr, kString, kInteger>},
};

}  // namespace

std::span<const ScalarFunction> text_functions() { return kFunctions; }

}  // namespace penstock::expr

// Text put together from values, taken apart, or quoted.
#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"
#include "expr/binding.h"
#include "expr/registry.h"
#include "expr/slots.h"
#include "expr/utf8.h"
#include "types/text_scanner.h"

namespace penstock::expr {

namespace {

// --- characters ---

// TRANSLATE(text, from, to): each character of `from` becomes that of `to` in the same place, or nothing. A NULL there
// is as an empty text, as in Flink.
void translate(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  const auto view_of = [&call](size_t argument, size_t row) {
    return call.is_argument_null(argument, row) ? std::string_view() : call.argument<StringCell>(argument)[row].view();
  };
  null_with(call, 0);
  write_rows(call, [&](std::string& out, size_t row) {
    const std::string_view text = texts[row].view();
    const std::string_view from = view_of(1, row);
    const std::string_view to = view_of(2, row);
    for (size_t at = 0; at < text.size();) {
      const size_t size = character_bytes(text, at);
      const std::string_view character = text.substr(at, size);
      at += size;
      const size_t found = from.find(character);
      if (found == from.npos) {
        out += character;
        continue;
      }
      const size_t begin = character_offset(to, character_count(from.substr(0, found)));
      if (begin < to.size()) out += to.substr(begin, character_bytes(to, begin));
    }
  });
}

template <bool (*wanted)(char)>
void all_characters(KernelCall& call) {
  map_unary<uint8_t, StringCell>(call, [](const StringCell& text) {
    const std::string_view view = text.view();
    return !view.empty() && std::ranges::all_of(view, wanted) ? 1 : 0;
  });
}
// Bytes of letters beyond ASCII count as letters.
// Bytes of other characters are taken as letters, too.
bool is_letter_byte(char c) { return is_letter(c) || (c & 0x80) != 0; }

// What Java's Double.parseDouble reads, which is all that other numbers are, too.
void is_decimal(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  map_valid<uint8_t>(call, [&](size_t row) -> uint8_t {
    std::string_view text = types::trim_space(texts[row].view());
    // "1.5f" and "1.5d" are numbers in Java.
    const bool suffixed = text.size() > 1 && std::string_view("dDfF").find(text.back()) != std::string_view::npos &&
                          (is_digit(text[text.size() - 2]) || text[text.size() - 2] == '.');
    if (suffixed) text.remove_suffix(1);
    return types::double_from_text(text).has_value() ? 1 : 0;
  });
}

// Levenshtein's distance, over characters; both texts have at most kDistanceCharactersMax.
constexpr size_t kDistanceCharactersMax = 1'000;
std::vector<std::string_view> characters_of(std::string_view text) {
  std::vector<std::string_view> all;
  for (size_t at = 0; at < text.size(); at += all.back().size())
    all.push_back(text.substr(at, character_bytes(text, at)));
  return all;
}
void levenshtein(KernelCall& call) {
  auto as = call.argument<StringCell>(0);
  auto bs = call.argument<StringCell>(1);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    const auto a = characters_of(as[row].view());
    const auto b = characters_of(bs[row].view());
    if (a.size() > kDistanceCharactersMax || b.size() > kDistanceCharactersMax) {
      call.fail(row, fmt::format("LEVENSHTEIN takes at most {} characters", kDistanceCharactersMax));
      return 0;
    }
    std::vector<int64_t> distances(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) distances[j] = static_cast<int64_t>(j);
    for (size_t i = 1; i <= a.size(); ++i) {
      int64_t diagonal = std::exchange(distances[0], static_cast<int64_t>(i));
      for (size_t j = 1; j <= b.size(); ++j) {
        const int64_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
        diagonal = distances[j];
        distances[j] = std::min({replaced, distances[j] + 1, distances[j - 1] + 1});
      }
    }
    return distances.back();
  });
}

// --- parts ---

// SPLIT_PART(text, delimiter, n): n counts from 1, negative from the end; empty where there is no such part.
void split_part(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto delimiters = call.argument<StringCell>(1);
  auto places = call.argument<int64_t>(2);
  TextOutput out(call);
  std::vector<std::string_view> parts;
  for_valid_rows(call, [&](size_t row) {
    std::string_view rest = texts[row].view();
    const std::string_view delimiter = delimiters[row].view();
    if (places[row] == 0) return call.fail(row, "the parts of a text count from 1");
    parts.clear();
    for (size_t at = 0; !delimiter.empty() && (at = rest.find(delimiter)) != rest.npos;) {
      parts.push_back(rest.substr(0, at));
      rest.remove_prefix(at + delimiter.size());
    }
    parts.push_back(rest);
    const auto size = static_cast<int64_t>(parts.size());
    const int64_t index = places[row] > 0 ? places[row] - 1 : size + places[row];
    out.set_part_of(0, row, index >= 0 && index < size ? parts[static_cast<size_t>(index)] : std::string_view());
  });
  out.finish();
}

// The pieces of a URL: scheme://user@host:port/path?query#fragment.
struct Url {
  std::string_view protocol, authority, user, host, path, query, fragment;
  bool has_query = false, has_fragment = false, has_user = false;

  static std::optional<Url> parse(std::string_view text) {
    Url url;
    const size_t scheme = text.find("://");
    if (scheme == text.npos || scheme == 0) return std::nullopt;
    url.protocol = text.substr(0, scheme);
    text.remove_prefix(scheme + 3);
    if (const size_t at = text.find('#'); at != text.npos) {
      url.fragment = text.substr(at + 1);
      url.has_fragment = true;
      text = text.substr(0, at);
    }
    if (const size_t at = text.find('?'); at != text.npos) {
      url.query = text.substr(at + 1);
      url.has_query = true;
      text = text.substr(0, at);
    }
    const size_t slash = std::min(text.find('/'), text.size());
    url.authority = text.substr(0, slash);
    url.path = text.substr(slash);
    url.host = url.authority;
    if (const size_t at = url.host.rfind('@'); at != url.host.npos) {
      url.user = url.host.substr(0, at);
      url.has_user = true;
      url.host.remove_prefix(at + 1);
    }
    const size_t bracket = url.host.find(']');
    const size_t colon = url.host.find(':', bracket == url.host.npos ? 0 : bracket);
    url.host = url.host.substr(0, colon);
    return url;
  }

  std::optional<std::string_view> parameter(std::string_view name) const {
    std::string_view rest = query;
    while (!rest.empty()) {
      const std::string_view pair = rest.substr(0, rest.find('&'));
      rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
      const size_t equals = pair.find('=');
      if (pair.substr(0, equals) == name) return equals == pair.npos ? std::string_view() : pair.substr(equals + 1);
    }
    return std::nullopt;
  }
};

// PARSE_URL(url, part [, name of a parameter of the query])
void parse_url(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto parts = call.argument<StringCell>(1);
  const bool has_name = call.argument_count() > 2;
  TextOutput out(call);
  for_valid_rows(call, [&](size_t row) {
    const std::optional<Url> url = Url::parse(texts[row].view());
    const std::string_view part = parts[row].view();
    // Java knows these protocols.
    constexpr std::string_view kProtocols[] = {"http", "https", "ftp", "file", "jar", "mailto"};
    const bool known = url && std::ranges::find(kProtocols, url->protocol) != std::end(kProtocols);
    if (!known || (has_name && part != "QUERY")) return call.set_null(row);
    std::optional<std::string_view> found;
    if (part == "PROTOCOL") found = url->protocol;
    if (part == "HOST") found = url->host;
    if (part == "PATH") found = url->path;
    if (part == "AUTHORITY") found = url->authority;
    if (part == "FILE")
      found = std::string_view(url->path.data(), url->path.size() + (url->has_query ? url->query.size() + 1 : 0));
    if (part == "REF" && url->has_fragment) found = url->fragment;
    if (part == "USERINFO" && url->has_user) found = url->user;
    if (part == "QUERY" && url->has_query) found = url->query;
    if (part == "QUERY" && has_name) found = url->parameter(call.argument<StringCell>(2)[row].view());
    found ? out.set_part_of(0, row, *found) : call.set_null(row);
  });
  out.finish();
}

// --- choosing and formatting ---

// ELT(n, a, b, ...): the n-th text.
void elt(KernelCall& call) {
  auto places = call.argument<int64_t>(0);
  TextOutput out(call);
  for (size_t row = 0; row < call.rows(); ++row) {
    const bool fits =
        !call.is_argument_null(0, row) && places[row] >= 1 && places[row] < static_cast<int64_t>(call.argument_count());
    const size_t chosen = fits ? static_cast<size_t>(places[row]) : 0;
    if (!fits || call.is_argument_null(chosen, row)) {
      call.set_null(row);
    } else {
      out.set_part_of(chosen, row, call.argument<StringCell>(chosen)[row].view());
    }
  }
  out.finish();
}
bool bind_elt(CallSignature& call) {
  if (call.argument_types.size() < 2 || !accept_argument(Takes::kInteger, call.argument_types[0])) return false;
  call.argument_types[0] = TypeKind::kBigInt;
  for (size_t i = 1; i < call.argument_types.size(); ++i) {
    if (!accept_argument(Takes::kText, call.argument_types[i])) return false;
    call.argument_types[i] = TypeKind::kString;
  }
  call.result = TypeKind::kString;
  call.kernel = elt;
  return true;
}

void append_quoted(std::string& out, std::string_view text, char quote) {
  out += quote;
  for (char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  out += quote;
}
void quote_literal(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  write_rows(call, [&](std::string& out, size_t row) { append_quoted(out, texts[row].view(), '\''); });
}
bool is_plain_name(std::string_view name) {
  return !name.empty() && !is_digit(name[0]) &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_'; });
}
void quote_ident(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  write_rows(call, [&](std::string& out, size_t row) {
    const std::string_view name = texts[row].view();
    is_plain_name(name) ? void(out += name) : append_quoted(out, name, '"');
  });
}

// FORMAT(format, value, ...): PostgreSQL's %s, %I, %L and %%; with positions, as in %2$s.
void format(KernelCall& call) {
  auto formats = call.argument<StringCell>(0);
  for (size_t row = 0; row < call.rows(); ++row) {
    if (call.is_argument_null(0, row)) call.set_null(row);
  }
  write_rows(call, [&](std::string& out, size_t row) {
    const std::string_view text = formats[row].view();
    size_t next = 1;
    for (size_t at = 0; at < text.size(); ++at) {
      if (text[at] != '%') {
        out += text[at];
        continue;
      }
      ++at;
      if (at < text.size() && text[at] == '%') {
        out += '%';
        continue;
      }
      size_t argument = next;
      const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), argument);
      if (error == std::errc() && end != text.data() + text.size() && *end == '$')
        at = static_cast<size_t>(end - text.data()) + 1;
      const char kind = at < text.size() ? text[at] : '\0';
      if (argument < 1 || argument >= call.argument_count()) return call.fail(row, "FORMAT has too few values");
      next = argument + 1;
      const bool null = call.is_argument_null(argument, row);
      const std::string_view value = null ? std::string_view() : call.argument<StringCell>(argument)[row].view();
      switch (kind) {
        case 's': out += value; break;
        case 'L': null ? void(out += "NULL") : append_quoted(out, value, '\''); break;
        case 'I': is_plain_name(value) ? void(out += value) : append_quoted(out, value, '"'); break;
        default: return call.fail(row, "FORMAT knows %s, %I, %L and %%");
      }
    }
  });
}
bool bind_format(CallSignature& call) {
  if (call.argument_types.empty() || !accept_argument(Takes::kText, call.argument_types[0])) return false;
  std::ranges::fill(call.argument_types, DataType(TypeKind::kString));
  call.result = TypeKind::kString;
  call.kernel = format;
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kText;
constexpr NullRule kMakes = NullRule::kMakes;
using enum Takes;
constexpr TypeKind kString = TypeKind::kString;
constexpr TypeKind kTruth = TypeKind::kBoolean;

constexpr ScalarFunction kFunctions[] = {
    {"TRANSLATE", kCategory, "TRANSLATE(text, from, to)",
     "Each character of `from` becomes that of `to` in the same place, or nothing where there is none. A NULL `from` "
     "or `to` is empty.",
     "TRANSLATE('abcde', 'bd', 'X') => aXce\nTRANSLATE('abc', 'b', NULL) => ac",
     bind_fixed<translate, kString, kText, kText, kText>, NullRule::kHandles},
    {"SPLIT_PART", kCategory, "SPLIT_PART(text, delimiter, n)",
     "The n-th part of the text between delimiters, from 1, negative from the end; empty where there is none.",
     "SPLIT_PART('a,b,c', ',', 2) => b\nSPLIT_PART('a,b,c', ',', -1) => c",
     bind_fixed<split_part, kString, kText, kText, kInteger>},
    {"PARSE_URL", kCategory, "PARSE_URL(url, part [, name])",
     "A part of a URL: PROTOCOL, HOST, PATH, QUERY, REF, FILE, AUTHORITY or USERINFO; of the QUERY also one parameter.",
     "PARSE_URL('https://a.org/p?k=v#r', 'HOST') => a.org\nPARSE_URL('https://a.org/p?k=v', 'QUERY', 'k') => v",
     bind_optional<parse_url, kString, 2, kText, kText, kText>, kMakes},
    {"ELT", kCategory, "ELT(n, text, ...)", "The n-th of the texts; NULL where there is none.",
     "ELT(2, 'a', 'b', 'c') => b", bind_elt, NullRule::kHandles},
    {"FORMAT", kCategory, "FORMAT(format, value, ...)",
     "The format with values in the places of %s (as text), %I (as a name), %L (as a literal); %2$s is the second.",
     "FORMAT('%s is %s', 'a', 1) => a is 1", bind_format, NullRule::kHandles},
    {"QUOTE_LITERAL", kCategory, "QUOTE_LITERAL(text)", "The text as a literal of SQL.",
     "CHAR_LENGTH(QUOTE_LITERAL('it''s')) => 7", bind_fixed<quote_literal, kString, kText>},
    {"QUOTE_IDENT", kCategory, "QUOTE_IDENT(text)", "The text as a name in SQL, in quotes where it needs them.",
     "QUOTE_IDENT('a b') => \"a b\"", bind_fixed<quote_ident, kString, kText>},
    {"LEVENSHTEIN", kCategory, "LEVENSHTEIN(a, b)",
     "How many characters must be put in, taken out or replaced to make b of a.",
     "LEVENSHTEIN('kitten', 'sitting') => 3", bind_fixed<levenshtein, TypeKind::kInt, kText, kText>},
    {"IS_ALPHA", FunctionCategory::kConditional, "IS_ALPHA(text)", "Whether all characters are letters.",
     "IS_ALPHA('abc') => TRUE\nIS_ALPHA('a1') => FALSE", bind_fixed<all_characters<is_letter_byte>, kTruth, kText>},
    {"IS_DIGIT", FunctionCategory::kConditional, "IS_DIGIT(text)", "Whether all characters are digits.",
     "IS_DIGIT('123') => TRUE", bind_fixed<all_characters<is_digit>, kTruth, kText>},
    {"IS_DECIMAL", FunctionCategory::kConditional, "IS_DECIMAL(text)",
     "Whether the text is a number such as -1.5 or 12.3e2.",
     "IS_DECIMAL('-1.5') => TRUE\nIS_DECIMAL('12.3e2') => TRUE\nIS_DECIMAL('x') => FALSE",
     bind_fixed<is_decimal, kTruth, kText>},
};

}  // namespace

std::span<const ScalarFunction> text_format_functions() { return kFunctions; }

}  // namespace penstock::expr

#include "expr/like_pattern.h"

#include "expr/utf8.h"

namespace penstock::expr {

Result<LikePattern> LikePattern::compile(std::string_view pattern, char escape) {
  LikePattern compiled;
  compiled.pieces_.emplace_back();
  auto add_text = [&](char c) {
    std::vector<Piece::Element>& elements = compiled.pieces_.back().elements;
    if (elements.empty() || elements.back().any) elements.push_back({.any = false, .text = ""});
    elements.back().text += c;
  };
  for (size_t at = 0; at < pattern.size(); ++at) {
    char c = pattern[at];
    if (escape != 0 && c == escape) {
      ++at;
      if (at == pattern.size() || (pattern[at] != '%' && pattern[at] != '_' && pattern[at] != escape)) {
        return invalid_argument("the LIKE pattern '{}' has an escape before something else than %, _ or itself",
                                pattern);
      }
      add_text(pattern[at]);
    } else if (c == '%') {
      compiled.pieces_.emplace_back();
    } else if (c == '_') {
      compiled.pieces_.back().elements.push_back({.any = true, .text = ""});
    } else {
      add_text(c);
    }
  }
  return compiled;
}

size_t LikePattern::match_at(const Piece& piece, std::string_view text, size_t at) {
  for (const Piece::Element& element : piece.elements) {
    if (element.any) {
      if (at >= text.size()) return std::string_view::npos;
      at += character_bytes(text, at);
    } else {
      if (text.substr(at, element.text.size()) != element.text) return std::string_view::npos;
      at += element.text.size();
    }
  }
  return at;
}

bool LikePattern::matches(std::string_view text) const {
  size_t at = match_at(pieces_.front(), text, 0);
  if (at == std::string_view::npos) return false;
  if (pieces_.size() == 1) return at == text.size();
  // Between two '%' the first place is as good as any.
  for (size_t i = 1; i + 1 < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    if (piece.plain()) {
      at = text.find(piece.elements[0].text, at);
      if (at == std::string_view::npos) return false;
      at += piece.elements[0].text.size();
      continue;
    }
    size_t end = std::string_view::npos;
    for (; at <= text.size(); at += at < text.size() ? character_bytes(text, at) : 1) {
      end = match_at(piece, text, at);
      if (end != std::string_view::npos) break;
    }
    if (end == std::string_view::npos) return false;
    at = end;
  }
  const Piece& last = pieces_.back();
  if (last.plain()) {
    const std::string& suffix = last.elements[0].text;
    return text.size() >= at + suffix.size() && text.ends_with(suffix);
  }
  for (; at <= text.size(); at += at < text.size() ? character_bytes(text, at) : 1) {
    if (match_at(last, text, at) == text.size()) return true;
  }
  return false;
}

}  // namespace penstock::expr

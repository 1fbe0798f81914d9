#include "http/routes.h"

#include <arpa/inet.h>
#include <simdjson.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace penstock::http {

namespace {

constexpr int64_t kViewRowsDefault = 1000;

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, std::min(host.find(']') + 1, host.size()));
  return host.substr(0, host.find(':'));
}

bool is_ip_address(std::string_view host) {
  unsigned char bytes[sizeof(in6_addr)];
  if (host.starts_with('[') && host.ends_with(']')) {
    return inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), bytes) == 1;
  }
  return inet_pton(AF_INET, std::string(host).c_str(), bytes) == 1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const char* digits = text.data() + i + 1;
    if (std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2) return std::nullopt;
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

Reply plain(int status, std::string body) {
  return {.status = status, .content_type = "text/plain", .body = std::move(body)};
}

Response not_allowed(std::string allow) {
  Response response{.reply = Api::error_reply(invalid_argument("this address takes only {}", allow))};
  response.reply.status = 405;
  response.allow = std::move(allow);
  return response;
}

}  // namespace

bool Routes::host_allowed(std::string_view host) const {
  const std::string_view name = without_port(host);
  if (is_ip_address(name) || equal_ignoring_case(name, "localhost")) return true;
  if (equal_ignoring_case(name, without_port(options_.listen))) return true;
  return std::ranges::any_of(options_.allowed_hosts,
                             [&](const std::string& allowed) { return equal_ignoring_case(name, allowed); });
}

std::optional<Reply> Routes::refuse(const RequestView& request) const {
  if (!host_allowed(request.host)) {
    Reply reply = Api::error_reply(Error(ErrorCode::kPermissionDenied, "this host name is not allowed")
                                       .hint("use the IP address or localhost, or add the name to http.allowed_hosts"));
    reply.status = 421;
    return reply;
  }
  const bool changes_something = request.method != "GET" && request.method != "HEAD";
  if (request.origin.empty() || !(changes_something || is_websocket(request))) return std::nullopt;
  const size_t scheme = request.origin.find("://");
  const bool same =
      scheme != std::string_view::npos && equal_ignoring_case(request.origin.substr(scheme + 3), request.host);
  if (same) return std::nullopt;
  return Api::error_reply(Error(ErrorCode::kPermissionDenied, "requests from pages of other origins are refused"));
}

Response Routes::answer(const RequestView& request, engine::Session* session) const {
  const std::string_view path = path_of(request.target);
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (path.starts_with("/api/")) return api_answer(request, path, session);
  if (!reads) return not_allowed("GET, HEAD");
  if (path == "/livez") return {.reply = plain(200, "ok\n")};
  if (path == "/readyz") return {.reply = api_.ready()};
  if (path == "/metrics") return {.reply = api_.prometheus()};
  const Asset* asset = assets_.find(path);
  if (asset == nullptr) return {.reply = Api::error_reply(not_found("there is nothing at {}", path))};
  const bool unchanged = request.if_none_match == asset->etag;
  return {.reply = {.status = unchanged ? 304 : 200, .content_type = std::string(asset->content_type)},
          .asset = asset,
          .use_gzip = request.accepts_gzip && !asset->gzip.empty()};
}

Response Routes::api_answer(const RequestView& request, std::string_view path, engine::Session* session) const {
  constexpr std::string_view kViews = "/api/v1/views/";
  if (path == "/api/v1/sql") {
    if (request.method != "POST") return not_allowed("POST");
    return {.reply = run_sql(request, *session)};
  }
  if (request.method != "GET" && request.method != "HEAD") return not_allowed("GET, HEAD");
  if (path == "/api/v1/views") return {.reply = api_.views()};
  if (path.starts_with(kViews)) {
    const size_t query = request.target.find('?');
    return {.reply = read_view(path.substr(kViews.size()),
                               query == std::string_view::npos ? "" : request.target.substr(query + 1))};
  }
  if (path == "/api/v1/status") return {.reply = api_.status()};
  if (path == "/api/v1/alerts") return {.reply = api_.alerts()};
  if (path == "/api/metrics") return {.reply = api_.metrics_json()};
  return {.reply = Api::error_reply(not_found("there is nothing at {}", path))};
}

Reply Routes::run_sql(const RequestView& request, engine::Session& session) const {
  const std::string_view type = request.content_type.substr(0, request.content_type.find(';'));
  if (!equal_ignoring_case(type, "application/json")) {
    Reply reply = Api::error_reply(invalid_argument("the Content-Type must be application/json"));
    reply.status = 415;
    return reply;
  }
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view script;
  if (parser.parse(request.body.data(), request.body.size()).get(root) != simdjson::SUCCESS) {
    return Api::error_reply(invalid_argument("the body is not JSON"));
  }
  if (root["sql"].get(script) != simdjson::SUCCESS) {
    return Api::error_reply(invalid_argument("the body has no text \"sql\"").hint("send {\"sql\": \"SELECT 1\"}"));
  }
  return api_.sql(script, session);
}

Reply Routes::read_view(std::string_view name, std::string_view query) const {
  const std::optional<std::string> decoded = percent_decoded(name);
  if (!decoded) return Api::error_reply(invalid_argument("the view's name is not well encoded"));
  int64_t limit = kViewRowsDefault;
  constexpr std::string_view kLimit = "limit=";
  if (query.starts_with(kLimit)) {
    const std::string_view text = query.substr(kLimit.size());
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (error != std::errc() || end != text.data() + text.size() || limit < 0 || limit > options_.view_rows_max) {
      return Api::error_reply(invalid_argument("limit must be a number from 0 to {}", options_.view_rows_max));
    }
  } else if (!query.empty()) {
    return Api::error_reply(invalid_argument("unknown query \"{}\"", query).hint("the only one is limit=N"));
  }
  return api_.view(*decoded, limit);
}

}  // namespace penstock::http

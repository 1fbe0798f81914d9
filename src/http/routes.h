// From a request to a reply, without networking.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/engine.h"
#include "http/api.h"
#include "http/assets.h"
#include "http/server.h"

namespace penstock::http {

struct RequestView {
  std::string_view method;
  std::string_view target;  // with its query
  std::string_view host;
  std::string_view origin;        // empty without the header
  std::string_view content_type;  // likewise
  std::string_view if_none_match;
  bool accepts_gzip = false;
  std::string_view body;
};

struct Response {
  Reply reply;
  const Asset* asset = nullptr;  // in place of the reply's body
  bool use_gzip = false;
  std::string allow;  // for 405
};

// Immutable; its functions may run on several threads at once.
class Routes {
 public:
  Routes(Api& api, const HttpServerOptions& options) : api_(api), options_(options) {}

  // An error reply when the request must not be answered: a foreign Host or Origin.
  std::optional<Reply> refuse(const RequestView& request) const;
  bool is_websocket(const RequestView& request) const { return path_of(request.target) == "/api/v1/ws"; }
  // Whether answering may block, so that it belongs on another thread.
  bool blocks(const RequestView& request) const {
    return request.target.starts_with("/api/") || request.target == "/metrics";
  }
  // Whether it runs statements, which may take as long as they like.
  bool runs_statements(const RequestView& request) const {
    return path_of(request.target) == "/api/v1/sql" && request.method == "POST";
  }
  // `session` is there for SQL.
  Response answer(const RequestView& request, engine::Session* session) const;

 private:
  static std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }
  bool host_allowed(std::string_view host) const;
  Response api_answer(const RequestView& request, std::string_view path, engine::Session* session) const;
  Reply run_sql(const RequestView& request, engine::Session& session) const;
  Reply read_view(std::string_view name, std::string_view query) const;

  Api& api_;
  const HttpServerOptions& options_;
  const Assets assets_;
};

}  // namespace penstock::http

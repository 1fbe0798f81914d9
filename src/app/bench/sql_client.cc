#include "app/bench/sql_client.h"

#include <curl/curl.h>
#include <simdjson.h>

#include <utility>

#include "base/json_text.h"

namespace penstock::app {
namespace {

constexpr long kTimeoutS = 300;

size_t append_body(char* data, size_t size, size_t count, void* body) {
  static_cast<std::string*>(body)->append(data, size * count);
  return size * count;
}

std::string text_of(const simdjson::dom::element& value) {
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) return std::string(text);
  return simdjson::minify(value);
}

Result<SqlClient::Rows> last_rows(const simdjson::dom::element& answer) {
  std::string_view message;
  if (answer["error"]["message"].get(message) == simdjson::SUCCESS) {
    return invalid_argument("the server refused SQL: {}", message);
  }
  simdjson::dom::array results;
  if (answer["results"].get(results) != simdjson::SUCCESS) {
    return make_error(ErrorCode::kInternal, "the answer to SQL has no \"results\"");
  }
  SqlClient::Rows rows;
  for (const simdjson::dom::element result : results) {
    rows.clear();
    simdjson::dom::array result_rows;
    if (result["rows"].get(result_rows) != simdjson::SUCCESS) continue;  // a statement without rows
    for (const simdjson::dom::element row : result_rows) {
      simdjson::dom::array values;
      if (row.get(values) != simdjson::SUCCESS) return make_error(ErrorCode::kInternal, "a row that is no array");
      std::vector<std::string>& texts = rows.emplace_back();
      for (const simdjson::dom::element value : values) texts.push_back(text_of(value));
    }
  }
  return rows;
}

}  // namespace

struct SqlClient::State {
  CURL* curl = curl_easy_init();
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  std::string url;
  simdjson::dom::parser parser;

  ~State() {
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
  }
};

SqlClient::SqlClient() : state_(std::make_unique<State>()) {}
SqlClient::~SqlClient() = default;

Result<std::unique_ptr<SqlClient>> SqlClient::make(const std::string& server) {
  auto client = std::unique_ptr<SqlClient>(new SqlClient());
  if (client->state_->curl == nullptr) return make_error(ErrorCode::kInternal, "curl cannot be set up");
  client->state_->url = "http://" + server + "/api/v1/sql";
  return client;
}

Result<SqlClient::Rows> SqlClient::run(std::string_view sql) {
  const std::string request = "{\"sql\":" + json_string(sql) + "}";
  std::string body;
  CURL* curl = state_->curl;
  curl_easy_setopt(curl, CURLOPT_URL, state_->url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, state_->headers);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.size()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &append_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, kTimeoutS);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  const CURLcode failure = curl_easy_perform(curl);
  if (failure != CURLE_OK) {
    return make_error(ErrorCode::kUnavailable, "{}: {}", state_->url, curl_easy_strerror(failure));
  }
  simdjson::dom::element answer;
  if (state_->parser.parse(body).get(answer) != simdjson::SUCCESS) {
    return make_error(ErrorCode::kInternal, "the answer to SQL is no JSON: {}", body.substr(0, 200));
  }
  return last_rows(answer);
}

}  // namespace penstock::app

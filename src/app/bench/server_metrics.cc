#include "app/bench/server_metrics.h"

#include <curl/curl.h>

#include <charconv>
#include <memory>

namespace penstock::app {
namespace {

constexpr long kTimeoutS = 30;

size_t append_body(char* data, size_t size, size_t count, void* body) {
  static_cast<std::string*>(body)->append(data, size * count);
  return size * count;
}

}  // namespace

Result<ServerMetrics> ServerMetrics::parse(std::string_view text) {
  ServerMetrics metrics;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    // The value is what stands after the last blank: label values may hold blanks too.
    const size_t blank = line.rfind(' ');
    double value = 0;
    if (blank == std::string_view::npos ||
        std::from_chars(line.data() + blank + 1, line.data() + line.size(), value).ec != std::errc()) {
      return make_error(ErrorCode::kInternal, "a line of /metrics is no sample: {}", line);
    }
    metrics.samples_.emplace(line.substr(0, blank), value);
  }
  return metrics;
}

Result<ServerMetrics> ServerMetrics::read(const std::string& server) {
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), &curl_easy_cleanup);
  if (curl == nullptr) return make_error(ErrorCode::kInternal, "curl cannot be set up");
  const std::string url = "http://" + server + "/metrics";
  std::string body;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &append_body);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, kTimeoutS);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  const CURLcode failure = curl_easy_perform(curl.get());
  if (failure != CURLE_OK) return make_error(ErrorCode::kUnavailable, "{}: {}", url, curl_easy_strerror(failure));
  return parse(body);
}

double ServerMetrics::value(std::string_view name) const {
  const auto sample = samples_.find(name);
  return sample == samples_.end() ? 0 : sample->second;
}

double ServerMetrics::since(const ServerMetrics& earlier, std::string_view name) const {
  return value(name) - earlier.value(name);
}

}  // namespace penstock::app

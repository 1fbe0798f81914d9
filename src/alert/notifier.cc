#include "alert/notifier.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "base/logging.h"
#include "base/time.h"

namespace penstock::alert {

namespace {

// Answers of a receiver are read and thrown away.
size_t ignore_body(char* /*data*/, size_t size, size_t count, void* /*user*/) { return size * count; }

// Asked at least once a second during a request: a stop ends it.
int stop_asked(void* stopping, curl_off_t /*dt*/, curl_off_t /*dn*/, curl_off_t /*ut*/, curl_off_t /*un*/) {
  return *static_cast<const std::atomic<bool>*>(stopping) ? 1 : 0;
}

}  // namespace

Notifier::Notifier(NotifierOptions options) : options_(std::move(options)) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  if (options_.metrics != nullptr) {
    sent_ = &options_.metrics->counter("penstock_alert_notifications_sent_total", "Notifications that arrived.");
    failed_ = &options_.metrics->counter("penstock_alert_notifications_failed_total", "Notifications given up.");
  }
  thread_ = std::thread([this] { run(); });
}

Notifier::~Notifier() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Notifier::send(Notification notification) {
  const std::lock_guard lock(mutex_);
  if (items_.size() >= options_.waiting_max) {
    logging::error("notification given up: too many are waiting",
                   {{"target", items_.front().notification.channel_target}, {"waiting_max", options_.waiting_max}});
    if (failed_ != nullptr) failed_->add();
    items_.pop_front();
  }
  items_.push_back({.notification = std::move(notification), .due_us = monotonic_time_us()});
  changed_.notify_all();
}

std::vector<Notification> Notifier::waiting() const {
  const std::lock_guard lock(mutex_);
  std::vector<Notification> out;
  for (const Item& item : items_) out.push_back(item.notification);
  return out;
}

void Notifier::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto next = std::ranges::min_element(items_, {}, &Item::due_us);
    if (next == items_.end()) {
      changed_.wait(lock);
      continue;
    }
    const int64_t wait_us = next->due_us - monotonic_time_us();
    if (wait_us > 0) {
      changed_.wait_for(lock, std::chrono::microseconds(wait_us));
      continue;
    }
    // The item stays in the list while it is sent, so that waiting() shows it until it has arrived.
    const Notification notification = next->notification;
    lock.unlock();
    bool final = false;
    const std::string problem = post(notification, &final);
    lock.lock();
    const auto sent = std::ranges::find_if(items_, [&](const Item& item) {
      return item.notification.idempotency_key() == notification.idempotency_key() &&
             item.notification.channel_target == notification.channel_target;
    });
    if (sent == items_.end()) continue;
    const int attempts = ++sent->notification.attempts;
    if (!problem.empty() && !final && attempts < options_.attempts_max) {
      const int64_t backoff = options_.backoff_first_us << std::min(attempts - 1, 30);
      sent->due_us = monotonic_time_us() + std::min(backoff, options_.backoff_max_us);
      logging::warning("notification not delivered, trying again",
                       {{"target", notification.channel_target}, {"reason", problem}, {"attempt", attempts}});
      continue;
    }
    items_.erase(sent);
    if (!problem.empty()) {
      logging::error("notification given up",
                     {{"target", notification.channel_target}, {"reason", problem}, {"attempts", attempts}});
    }
    if (Counter* counter = problem.empty() ? sent_ : failed_; counter != nullptr) counter->add();
    if (options_.on_settled) {
      lock.unlock();
      options_.on_settled();
      lock.lock();
    }
  }
}

std::string Notifier::post(const Notification& notification, bool* final) const {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), &curl_easy_cleanup);
  if (curl == nullptr) return "out of memory";
  const std::string key = "Idempotency-Key: " + notification.idempotency_key();
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  headers = curl_slist_append(headers, key.c_str());
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> owned_headers(headers, &curl_slist_free_all);
  curl_easy_setopt(curl.get(), CURLOPT_URL, notification.channel_target.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, notification.body.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(notification.body.size()));
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(options_.request_timeout_ms));
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "penstock");
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &ignore_body);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, &stop_asked);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&stopping_));
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) return curl_easy_strerror(code);
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 300) return "";
  // The receiver understood and refused; only "too early", "too many" and its own faults may pass.
  *final = status >= 300 && status < 500 && status != 408 && status != 425 && status != 429;
  return fmt::format("HTTP status {}", status);
}

}  // namespace penstock::alert

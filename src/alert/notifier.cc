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

Notifier::Notifier(NotifierOptions options) : options_(std::move(options)), curl_(nullptr, &curl_easy_cleanup) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  curl_.reset(curl_easy_init());
  if (options_.metrics != nullptr) {
    sent_ = &options_.metrics->counter("penstock_alert_notifications_sent_total", "Notifications that arrived.");
    failed_ = &options_.metrics->counter("penstock_alert_notifications_failed_total", "Notifications given up.");
    waiting_gauge_ = &options_.metrics->gauge("penstock_alert_notifications_waiting", "Notifications on their way.");
  }
  thread_ = std::thread([this] { run(); });
}

Notifier::~Notifier() { stop(); }

void Notifier::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Notifier::send(Notification notification) {
  const std::lock_guard lock(mutex_);
  Queue& queue = queues_[notification.channel_target];
  if (notification.about == IncidentState::kFiring) queue.firing.insert(notification.incident_id);
  queue.items.push_back({.notification = std::move(notification), .due_us = monotonic_time_us()});
  ++waiting_;
  if (waiting_ > options_.waiting_max) drop_oldest_with_mutex_held();
  if (waiting_gauge_ != nullptr) waiting_gauge_->set(static_cast<int64_t>(waiting_));
  changed_.notify_all();
}

std::vector<Notification> Notifier::waiting() const {
  const std::lock_guard lock(mutex_);
  std::vector<Notification> out;
  for (const auto& [target, queue] : queues_) {
    for (const Item& item : queue.items) out.push_back(item.notification);
  }
  return out;
}

// Of the longest queue: a receiver that is away must not cost the others theirs.
void Notifier::drop_oldest_with_mutex_held() {
  const auto longest = std::ranges::max_element(queues_, {}, [](const auto& q) { return q.second.items.size(); });
  Queue& queue = longest->second;
  auto oldest = queue.items.begin();
  if (is_sending_ && oldest == sending_) ++oldest;
  if (oldest == queue.items.end()) return;
  logging::error("notification given up: too many are waiting",
                 {{"target", longest->first}, {"waiting_max", options_.waiting_max}});
  if (failed_ != nullptr) failed_->add();
  forget_with_mutex_held(queue, oldest);
}

void Notifier::forget_with_mutex_held(Queue& queue, std::list<Item>::iterator item) {
  if (item->notification.about == IncidentState::kFiring) queue.firing.erase(item->notification.incident_id);
  queue.items.erase(item);
  --waiting_;
  if (waiting_gauge_ != nullptr) waiting_gauge_->set(static_cast<int64_t>(waiting_));
}

int64_t Notifier::backoff_us(int attempts) const {
  constexpr int kDoublingsMax = 30;
  return std::min(options_.backoff_first_us << std::min(attempts - 1, kDoublingsMax), options_.backoff_max_us);
}

Notifier::Next Notifier::next_with_mutex_held() {
  const int64_t now_us = monotonic_time_us();
  std::erase_if(queues_, [&](const auto& q) { return q.second.items.empty() && q.second.not_before_us <= now_us; });
  Next next;
  for (auto& [target, queue] : queues_) {
    // The one that has been due for longest, so that one that fails again and again has its turn after the others.
    auto first = queue.items.end();
    for (auto item = queue.items.begin(); item != queue.items.end(); ++item) {
      const Notification& notification = item->notification;
      if (notification.about == IncidentState::kResolved && queue.firing.contains(notification.incident_id)) continue;
      if (first == queue.items.end() || item->due_us < first->due_us) first = item;
    }
    if (first == queue.items.end()) continue;
    const int64_t due_us = std::max(first->due_us, queue.not_before_us);
    if (next.queue == nullptr || due_us < next.due_us) next = {.queue = &queue, .item = first, .due_us = due_us};
  }
  return next;
}

bool Notifier::settle_with_mutex_held(const Next& tried, const Attempt& attempt) {
  Notification& notification = tried.item->notification;
  ++notification.attempts;
  if (attempt.outcome == Outcome::kFailed) {
    const int64_t now_us = monotonic_time_us();
    tried.queue->not_before_us = now_us + backoff_us(++tried.queue->failures);
    if (notification.attempts < options_.attempts_max) {
      tried.item->due_us = now_us + backoff_us(notification.attempts);
      logging::warning(
          "notification not delivered, trying again",
          {{"target", notification.channel_target}, {"reason", attempt.problem}, {"attempt", notification.attempts}});
      return false;
    }
  } else {
    tried.queue->failures = 0;
    tried.queue->not_before_us = 0;
  }
  const bool arrived = attempt.outcome == Outcome::kArrived;
  if (!arrived) {
    logging::error(
        "notification given up",
        {{"target", notification.channel_target}, {"reason", attempt.problem}, {"attempts", notification.attempts}});
  }
  if (Counter* counter = arrived ? sent_ : failed_; counter != nullptr) counter->add();
  forget_with_mutex_held(*tried.queue, tried.item);
  return true;
}

void Notifier::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const Next next = next_with_mutex_held();
    if (next.queue == nullptr) {
      changed_.wait(lock);
      continue;
    }
    const int64_t wait_us = next.due_us - monotonic_time_us();
    if (wait_us > 0) {
      changed_.wait_for(lock, std::chrono::microseconds(wait_us));
      continue;
    }
    // The item stays in the list while it is sent, so that waiting() shows it until it has arrived.
    const Notification notification = next.item->notification;
    sending_ = next.item;
    is_sending_ = true;
    lock.unlock();
    const Attempt attempt = post(notification);
    lock.lock();
    is_sending_ = false;
    if (stopping_ && attempt.outcome == Outcome::kFailed) return;  // cut off, which is no failure
    const bool settled = settle_with_mutex_held(next, attempt);
    if (settled && options_.on_settled) {
      lock.unlock();
      options_.on_settled();
      lock.lock();
    }
  }
}

Notifier::Attempt Notifier::post(const Notification& notification) {
  CURL* const curl = curl_.get();
  if (curl == nullptr) return {.problem = "out of memory"};
  curl_easy_reset(curl);
  const std::string key = "Idempotency-Key: " + notification.idempotency_key();
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  headers = curl_slist_append(headers, key.c_str());
  headers = curl_slist_append(headers, "Expect:");  // the body is sent without asking first
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> owned_headers(headers, &curl_slist_free_all);
  curl_easy_setopt(curl, CURLOPT_URL, notification.channel_target.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, notification.body.c_str());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(notification.body.size()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.request_timeout_ms));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "penstock");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &ignore_body);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &stop_asked);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stopping_);
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) return {.problem = curl_easy_strerror(code)};
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 300) return {.outcome = Outcome::kArrived};
  // The receiver understood and refused; only "too early", "too many" and its own faults may pass.
  const bool refused = status >= 300 && status < 500 && status != 408 && status != 425 && status != 429;
  return {.outcome = refused ? Outcome::kRefused : Outcome::kFailed, .problem = fmt::format("HTTP status {}", status)};
}

}  // namespace penstock::alert

#include "http/feed_session.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "base/json_text.h"
#include "http/json_writer.h"

namespace penstock::http {

namespace {

struct Request {
  std::string type;
  int64_t id = 0;
  std::string view;
  std::string channel;
};

Result<Request> parse(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) {
    return invalid_argument("the message is not JSON");
  }
  Request request;
  std::string_view type;
  if (root["type"].get(type) != simdjson::SUCCESS) return invalid_argument("the message has no \"type\"");
  request.type = type;
  if (root["id"].get(request.id) != simdjson::SUCCESS)
    return invalid_argument("the message has no whole number \"id\"");
  std::string_view text_value;
  if (root["view"].get(text_value) == simdjson::SUCCESS) request.view = text_value;
  if (root["channel"].get(text_value) == simdjson::SUCCESS) request.channel = text_value;
  return request;
}

}  // namespace

FeedSession::FeedSession(Api& api, FeedSessionOptions options, std::function<void()> wake)
    : api_(api), options_(options), wake_(std::move(wake)) {}

void FeedSession::answer_error(std::optional<int64_t> id, const Error& error) {
  answers_ += R"({"type":"error",)";
  if (id) answers_ += fmt::format(R"("id":{},)", *id);
  answers_ += R"("error":)" + error_json(error) + "}\n";
}

void FeedSession::receive(std::string_view text) {
  const Result<Request> request = parse(text);
  if (!request) {
    answer_error(std::nullopt, request.error());
  } else if (request->type == "subscribe") {
    subscribe(request->id, request->view, request->channel);
  } else if (request->type == "unsubscribe") {
    const auto it = subscriptions_.find(request->id);
    if (it == subscriptions_.end()) return;
    if (turn_ == it) ++turn_;
    subscriptions_.erase(it);
  } else {
    answer_error(
        request->id,
        invalid_argument("unknown message type \"{}\"", request->type).hint("the types are subscribe and unsubscribe"));
  }
}

void FeedSession::subscribe(int64_t id, std::string_view view, std::string_view channel) {
  if (subscriptions_.contains(id)) return answer_error(id, invalid_argument("subscription {} exists already", id));
  if (subscriptions_.size() >= options_.subscriptions_max) {
    return answer_error(id, make_error(ErrorCode::kResourceExhausted, "one connection can have {} subscriptions",
                                       options_.subscriptions_max));
  }
  Subscription subscription;
  if (!view.empty()) {
    const auto info = api_.engine().find_view(view);
    if (!info) return answer_error(id, not_found("view \"{}\" does not exist", view));
    subscription.view = info->view;
    subscription.feed = info->view->subscribe(
        {.snapshot = true, .pending_rows_max = options_.subscription_rows_max, .memory = options_.memory});
    subscription.feed->on_ready(wake_);
  } else if (channel == "status") {
    subscription.channel = Channel::kStatus;
  } else if (channel == "alerts") {
    subscription.channel = Channel::kAlerts;
  } else if (channel == "views") {
    subscription.channel = Channel::kViews;
  } else {
    return answer_error(id, invalid_argument("there is nothing to subscribe to")
                                .hint("give a \"view\", or the \"channel\" status, alerts or views"));
  }
  subscriptions_.emplace(id, std::move(subscription));
}

void FeedSession::mark_due(Channel channel) {
  for (auto& [id, subscription] : subscriptions_)
    subscription.due = subscription.due || subscription.channel == channel;
}
void FeedSession::tick() { mark_due(Channel::kStatus); }
void FeedSession::views_changed() { mark_due(Channel::kViews); }
void FeedSession::alerts_changed() { mark_due(Channel::kAlerts); }

bool FeedSession::wants_ticks() const {
  return std::ranges::any_of(subscriptions_, [](const auto& s) { return s.second.channel == Channel::kStatus; });
}

std::optional<std::string> FeedSession::next_message() {
  if (!answers_.empty()) {
    const size_t end = answers_.find('\n');
    std::string message = answers_.substr(0, end);
    answers_.erase(0, end + 1);
    return message;
  }
  for (size_t tried = subscriptions_.size(); tried > 0; --tried) {
    if (turn_ == subscriptions_.end()) turn_ = subscriptions_.begin();
    const auto it = turn_++;
    bool ended = false;
    std::optional<std::string> message = next_of(it->first, it->second, &ended);
    if (ended) subscriptions_.erase(it);
    if (message) return message;
  }
  return std::nullopt;
}

std::optional<std::string> FeedSession::next_of(int64_t id, Subscription& subscription, bool* ended) {
  if (subscription.channel == Channel::kView) {
    const std::optional<view::FeedUpdate> update = subscription.feed->poll(options_.rows_per_message);
    if (!update) return std::nullopt;
    *ended = update->kind == view::FeedUpdate::Kind::kDropped;
    if (*ended) return fmt::format(R"({{"type":"dropped","id":{}}})", id);
    return update_message(id, subscription, *update);
  }
  if (!std::exchange(subscription.due, false)) return std::nullopt;
  switch (subscription.channel) {
    case Channel::kStatus: return fmt::format(R"({{"type":"status","id":{},"status":{}}})", id, api_.status_json());
    case Channel::kAlerts: return fmt::format(R"({{"type":"alerts","id":{},"alerts":{}}})", id, api_.alerts_json());
    default: return fmt::format(R"({{"type":"views","id":{},"views":{}}})", id, api_.views_json());
  }
}

std::string FeedSession::update_message(int64_t id, const Subscription& subscription,
                                        const view::FeedUpdate& update) const {
  const bool snapshot = update.kind == view::FeedUpdate::Kind::kSnapshot;
  std::string out =
      fmt::format(R"({{"type":"{}","id":{},"epoch":{},)", snapshot ? "snapshot" : "changes", id, update.epoch.value());
  if (snapshot) {
    const view::ViewOptions& view = subscription.view->options();
    out += R"("columns":)";
    append_columns(out, view.schema);
    out += R"(,"key":[)";
    for (const int column : view.key) {
      if (out.back() == '"') out += ',';
      append_json_string(out, view.schema[static_cast<size_t>(column)].name);
    }
    out += "],";
    out += update.first ? R"("first":true,)" : R"("first":false,)";
    out += update.last ? R"("last":true,)" : R"("last":false,)";
  }
  out += R"("rows":[)";
  bool first = true;
  for (const columnar::ChangeBatch& batch : update.batches) {
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (!first) out += ',';
      first = false;
      append_row(out, batch, row, snapshot ? "" : batch.weight(row) < 0 ? "-1" : "1");
    }
  }
  return out + "]}";
}

}  // namespace penstock::http

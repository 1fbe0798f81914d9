#include "log/subscription.h"

#include <utility>

namespace penstock::log {
namespace {

class SubscriberHandle final : public Subscription {
 public:
  explicit SubscriberHandle(std::shared_ptr<Subscriber> subscriber) : subscriber_(std::move(subscriber)) {}
  ~SubscriberHandle() override {
    const std::lock_guard lock(subscriber_->mutex);
    subscriber_->active = false;
  }

 private:
  const std::shared_ptr<Subscriber> subscriber_;
};

}  // namespace

std::unique_ptr<Subscription> SubscriberList::add(std::function<void()> callback) {
  std::erase_if(subscribers_, [](const auto& subscriber) { return subscriber.expired(); });
  auto subscriber = std::make_shared<Subscriber>(std::move(callback));
  subscribers_.push_back(subscriber);
  return std::make_unique<SubscriberHandle>(std::move(subscriber));
}

void SubscriberList::collect(std::vector<std::shared_ptr<Subscriber>>* out) {
  std::erase_if(subscribers_, [&](const std::weak_ptr<Subscriber>& weak) {
    std::shared_ptr<Subscriber> subscriber = weak.lock();
    if (subscriber == nullptr) return true;
    out->push_back(std::move(subscriber));
    return false;
  });
}

}  // namespace penstock::log

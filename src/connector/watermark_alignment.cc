#include "connector/watermark_alignment.h"

#include <algorithm>
#include <utility>

namespace penstock::connector {

size_t AlignmentGroup::add(size_t instances) {
  const std::lock_guard lock(mutex_);
  members_.resize(members_.size() + instances);
  return members_.size() - instances;
}

void AlignmentGroup::set_waker(size_t member, std::function<void()> waker) {
  const std::lock_guard lock(mutex_);
  members_[member].waker = std::move(waker);
}

void AlignmentGroup::tell(size_t member, EventTime watermark) {
  const std::lock_guard lock(mutex_);
  if (members_[member].watermark == watermark) return;
  members_[member].watermark = watermark;
  const EventTime least = std::ranges::min_element(members_, {}, &Member::watermark)->watermark;
  if (least_.exchange(least.value(), std::memory_order_acq_rel) == least.value()) return;
  for (Member& other : members_) {
    if (std::exchange(other.waiting, false) && other.waker) other.waker();
  }
}

bool AlignmentGroup::wait(size_t member, EventTime seen) {
  const std::lock_guard lock(mutex_);
  if (least() != seen) return false;
  members_[member].waiting = true;
  return true;
}

std::shared_ptr<AlignmentGroup> AlignmentGroups::group(const std::string& name) {
  std::shared_ptr<AlignmentGroup>& group = groups_[name];
  if (group == nullptr) group = std::make_shared<AlignmentGroup>();
  return group;
}

EventTime alignment_limit(EventTime least, int64_t drift_us) {
  if (least == kMinEventTime) return kMinEventTime;
  if (least.value() > kMaxEventTime.value() - drift_us) return kMaxEventTime;
  return EventTime(least.value() + drift_us);
}

}  // namespace penstock::connector

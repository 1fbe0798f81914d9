#include "kafka/append_gatherer.h"

#include <algorithm>
#include <iterator>

namespace penstock::kafka {

void AppendGatherer::add(Records records, log::Urgency urgency, Done done) {
  std::shared_ptr<Group> group = open_.lock();
  if (group == nullptr) {
    open_ = group = std::make_shared<Group>();
    // Behind the handlers of all sockets that are ready now.
    executor_->post([self = shared_from_this(), group] { self->hand_over(group); });
  }
  if (urgency == log::Urgency::kAtOnce) group->urgency = urgency;
  group->parts.push_back({records.size(), std::move(done)});
  std::ranges::move(records, std::back_inserter(group->records));
}

void AppendGatherer::hand_over(const std::shared_ptr<Group>& group) {
  open_.reset();
  std::shared_ptr<Waiting> waiting = waiting_.lock();
  if (waiting != nullptr) {
    waiting->push_back(group);
  } else if (!try_append(group)) {
    waiting_ = waiting = std::make_shared<Waiting>(1, group);
    wait_for_room(waiting);
  }
}

bool AppendGatherer::try_append(const std::shared_ptr<Group>& group) {
  // The log may answer when this is gone.
  log::AppendAllCallback done = [executor = executor_, group](std::vector<log::AppendResult> results) {
    executor->post([group, results = std::move(results)]() mutable { group->answer(std::move(results)); });
  };
  return log_.try_append_all(group->records, group->urgency, done);
}

void AppendGatherer::wait_for_room(const std::shared_ptr<Waiting>& waiting) {
  size_t bytes = 0;
  for (const auto& [to, records] : waiting->front()->records) bytes += records.bytes.size();
  log_.on_room(bytes, [weak = weak_from_this(), executor = executor_, waiting] {
    executor->post([weak, waiting] {
      const auto self = weak.lock();
      if (self == nullptr) return;
      while (!waiting->empty() && self->try_append(waiting->front())) waiting->pop_front();
      if (!waiting->empty()) return self->wait_for_room(waiting);
      self->waiting_.reset();
    });
  });
}

void AppendGatherer::Group::answer(std::vector<log::AppendResult> results) {
  // What the parts hold on to ends here, on the loop, although the log may keep the group a little longer.
  std::vector<Part> answered = std::move(parts);
  std::span<log::AppendResult> rest = results;
  for (Part& part : answered) {
    part.done(rest.first(part.count));
    rest = rest.subspan(part.count);
  }
}

}  // namespace penstock::kafka

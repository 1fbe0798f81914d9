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
  // The log may answer when this is gone.
  log_.append_all(
      std::move(group->records), group->urgency, [executor = executor_, group](std::vector<log::AppendResult> results) {
        executor->post([group, results = std::move(results)]() mutable { group->answer(std::move(results)); });
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

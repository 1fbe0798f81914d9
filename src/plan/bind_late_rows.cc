// late_rows('job' [, number]): rows that the operators of a job dropped, which the engine offers as system tables.
#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "catalog/catalog.h"
#include "plan/binder.h"
#include "plan/planner.h"
#include "sql/keywords.h"

namespace penstock::plan {
namespace {

Error wrong_arguments(sql::Position position) {
  return invalid_argument("LATE_ROWS takes the name of a materialized view or job, as in late_rows('spend_per_minute')")
      .at(position.offset);
}

}  // namespace

std::string late_rows_prefix(std::string_view job) { return fmt::format("late_rows.{}.", sql::to_lower(job)); }

bool is_late_rows_of(std::string_view prefix, std::string_view table) {
  return table.starts_with(prefix) && table.find_first_not_of("0123456789", prefix.size()) == std::string_view::npos;
}

Result<LogicalPtr> Binder::bind_late_rows(const sql::FunctionCall& call) {
  sql::Position position = call.name.position();
  if (call.arguments.empty() || call.arguments.size() > 2) return wrong_arguments(position);
  position = call.arguments.front().position;
  const auto* job = call.arguments.front().get_if<sql::Literal>();
  if (job == nullptr || job->kind != sql::LiteralKind::kString) return wrong_arguments(position);
  const std::string prefix = late_rows_prefix(job->text);
  const auto operators = std::ranges::count_if(context_.system_tables,
                                               [&](const auto& table) { return is_late_rows_of(prefix, table.first); });
  if (operators == 0) {
    if (context_.catalog->find_relation(job->text) != nullptr ||
        context_.catalog->find(catalog::NameSpace::kJob, job->text) != nullptr) {
      return invalid_argument("{} runs nothing that drops late rows", job->text).at(position.offset);
    }
    std::vector<std::string> known;
    for (const catalog::EntryPtr& entry : context_.catalog->entries()) {
      if (entry->materialized_view() != nullptr || entry->job() != nullptr) known.push_back(entry->name);
    }
    return not_found("there is no materialized view or job {}", job->text)
        .at(position.offset)
        .hint(did_you_mean(job->text, known));
  }
  std::string number = "1";
  if (call.arguments.size() == 2) {
    position = call.arguments[1].position;
    const auto* literal = call.arguments[1].get_if<sql::Literal>();
    if (literal == nullptr || literal->kind != sql::LiteralKind::kInteger) return wrong_arguments(position);
    number = literal->text;
  } else if (operators > 1) {
    return invalid_argument("{} has {} inputs that rows can be late for", job->text, operators)
        .at(position.offset)
        .hint(fmt::format("say which, from the sources up: late_rows('{}', 1)", job->text));
  }
  const bool known =
      std::ranges::any_of(context_.system_tables, [&](const auto& table) { return table.first == prefix + number; });
  if (!known) {
    return invalid_argument("{} has {} inputs that rows can be late for", job->text, operators).at(position.offset);
  }
  return bind_system_table(prefix + number, call.name.position());
}

}  // namespace penstock::plan

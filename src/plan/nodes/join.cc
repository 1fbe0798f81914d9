// Joins: of all rows, and of rows that are near in time.
#include <fmt/format.h>

#include <algorithm>

#include "expr/function.h"
#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {

using expr::Expr;
using expr::ExprPtr;

bool preserves_left(JoinKind kind) { return kind == JoinKind::kLeft || kind == JoinKind::kFull; }
bool preserves_right(JoinKind kind) { return kind == JoinKind::kRight || kind == JoinKind::kFull; }
bool gives_left_only(JoinKind kind) { return kind == JoinKind::kSemi || kind == JoinKind::kAnti; }

LogicalPtr make_join(JoinKind kind, LogicalPtr left, LogicalPtr right, ExprPtr condition) {
  size_t columns = left->schema.size() + (gives_left_only(kind) ? 0 : right->schema.size());
  Join join{.kind = kind,
            .keys = {},
            .condition = std::move(condition),
            .output = identity(columns),
            .time = {},
            .as_of = {}};
  return make_node(std::move(join), {std::move(left), std::move(right)});
}

// --- derive ---

namespace {

// Whether the values that the join compares on one side are never in two rows of it.
bool covers_key(const Traits& traits, const std::vector<JoinKey>& keys, int JoinKey::* side) {
  return traits.key && std::ranges::all_of(*traits.key, [&](int column) {
           return std::ranges::find(keys, column, side) != keys.end();
         });
}

// A row of one side has at most one partner where the join's keys cover a key of the other side.
std::optional<std::vector<int>> join_key(const Join& op, const LogicalNode& left, const LogicalNode& right) {
  const std::optional<std::vector<int>>& left_key = left.traits.key;
  if (gives_left_only(op.kind) || !left_key) return gives_left_only(op.kind) ? left_key : std::nullopt;
  if (covers_key(right.traits, op.keys, &JoinKey::right) && !preserves_right(op.kind)) return left_key;
  if (!right.traits.key) return std::nullopt;
  std::vector<int> right_key;
  for (int column : *right.traits.key) right_key.push_back(column + static_cast<int>(left.schema.size()));
  if (covers_key(left.traits, op.keys, &JoinKey::left) && !preserves_left(op.kind)) return right_key;
  std::vector<int> key = *left_key;
  key.insert(key.end(), right_key.begin(), right_key.end());
  return key;
}

// What remains true of times behind a join of rows that are near in time. Other times than those of the join do not: a
// row is kept for long after them.
void derive_times(const Join& op, const LogicalNode& left, const LogicalNode& right, Traits& traits) {
  const auto left_columns = static_cast<int>(left.schema.size());
  traits.append_only = true;
  traits.time_columns = {op.time->left};
  if (!gives_left_only(op.kind)) traits.time_columns.push_back(left_columns + op.time->right);
  if (op.time->of == TimeBounds::Of::kRows) return;
  traits.time_columns.clear();
  const auto add = [&](const Traits& side, int offset, bool always_there) {
    if (!side.window) return;
    WindowColumns window = *side.window;
    for (int* column : {&window.start, &window.end, &window.time}) {
      if (*column >= 0) *column += offset;
    }
    bool comes_out = false;
    for (int column : {window.end, window.time}) {
      if (column < 0) continue;
      if (is_time(side, column - offset)) traits.time_columns.push_back(column);
      comes_out = comes_out || std::ranges::find(op.output, column) != op.output.end();
    }
    if (always_there && comes_out && !traits.window) traits.window = window;
  };
  add(left.traits, 0, !preserves_right(op.kind));
  if (!gives_left_only(op.kind)) add(right.traits, left_columns, !preserves_left(op.kind));
}

}  // namespace

Derived derive(const Join& op, const LogicalInputs& inputs) {
  const LogicalNode& left = *inputs[0];
  const LogicalNode& right = *inputs[1];
  types::Schema all;
  for (types::Field field : left.schema) {
    field.type = field.type.with_nullable(field.type.nullable() || preserves_right(op.kind));
    all.push_back(std::move(field));
  }
  for (types::Field field : right.schema) {
    field.type = field.type.with_nullable(field.type.nullable() || preserves_left(op.kind));
    all.push_back(std::move(field));
  }
  Traits traits;
  traits.bounded = left.traits.bounded && right.traits.bounded;
  bool only_pairs = op.kind == JoinKind::kInner || op.kind == JoinKind::kSemi;
  traits.append_only = traits.bounded || (only_pairs && left.traits.append_only && right.traits.append_only);
  traits.key = join_key(op, left, right);
  traits.processing_times = left.traits.processing_times;
  if (op.as_of) {
    traits.append_only = traits.bounded || left.traits.append_only;
    traits.time_columns = left.traits.time_columns;
    traits.window = left.traits.window;
    if (const auto& versions = op.as_of->versions) {
      // A row waits until the watermark has reached this time, whatever others it has; and where it waits for the next
      // version, for as long as that takes.
      traits.window.reset();
      std::erase_if(traits.time_columns,
                    [&](int column) { return column != versions->left_time || !versions->upper_us; });
    }
  }
  if (op.time) derive_times(op, left, right, traits);
  std::vector<int> mapping(all.size(), -1);
  Derived derived;
  for (size_t i = 0; i < op.output.size(); ++i) {
    mapping[op.output[i]] = static_cast<int>(i);
    derived.schema.push_back(all[op.output[i]]);
  }
  derived.traits = map_traits(traits, mapping);
  return derived;
}

// --- prune ---

Pruned prune(const Join& op, const LogicalNode& node, const Columns& needed) {
  size_t left_columns = node.inputs[0]->schema.size();
  Columns below(left_columns + node.inputs[1]->schema.size(), false);
  Join pruned = op;
  pruned.output.clear();
  std::vector<int> mapping(needed.size(), -1);
  std::vector<std::string> names;
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    mapping[i] = static_cast<int>(pruned.output.size());
    pruned.output.push_back(op.output[i]);
    names.push_back(node.schema[i].name);
    below[op.output[i]] = true;
  }
  need(below, op.condition);
  for (const JoinKey& key : op.keys) below[key.left] = below[left_columns + key.right] = true;
  if (op.time) below[op.time->left] = below[left_columns + op.time->right] = true;
  if (op.as_of && op.as_of->versions) {
    const AsOf::Versions& versions = *op.as_of->versions;
    below[versions.left_time] = below[left_columns + versions.right_time] = true;
    for (int column : versions.version_key) below[left_columns + column] = true;
    if (versions.gone >= 0) below[left_columns + versions.gone] = true;
  }
  auto middle = below.begin() + static_cast<ptrdiff_t>(left_columns);
  Pruned left = prune(node.inputs[0], Columns(below.begin(), middle));
  Pruned right = prune(node.inputs[1], Columns(middle, below.end()));
  for (JoinKey& key : pruned.keys) key = {left.mapping[key.left], right.mapping[key.right], key.nulls_match};
  if (pruned.time) {
    pruned.time->left = left.mapping[op.time->left];
    pruned.time->right = right.mapping[op.time->right];
  }
  if (pruned.as_of && pruned.as_of->versions) {
    AsOf::Versions& versions = *pruned.as_of->versions;
    versions.left_time = left.mapping[versions.left_time];
    versions.right_time = right.mapping[versions.right_time];
    remap(versions.version_key, right.mapping);
    if (versions.gone >= 0) versions.gone = right.mapping[versions.gone];
  }
  std::vector<int> all = left.mapping;
  for (int column : right.mapping) all.push_back(column < 0 ? -1 : column + static_cast<int>(left.plan->schema.size()));
  if (op.condition != nullptr) pruned.condition = expr::remap_columns(op.condition, all);
  remap(pruned.output, all);
  LogicalInputs inputs = {std::move(left.plan), std::move(right.plan)};
  return {make_node(std::move(pruned), std::move(inputs), std::move(names)), std::move(mapping)};
}

// --- push_filter ---

namespace {

// Whether the expression is NULL in every row whose columns of `nulls` are all NULL.
bool is_null_for(const Expr& expression, const Columns& nulls) {
  auto null = [&](const ExprPtr& child) { return is_null_for(*child, nulls); };
  switch (expression.kind()) {
    case Expr::Kind::kColumn: return nulls[expression.column_index()];
    case Expr::Kind::kLiteral: return expression.value().is_null();
    case Expr::Kind::kCast:
    case Expr::Kind::kTryCast: return null(expression.child(0));
    case Expr::Kind::kCall:
      return expression.function().nulls != expr::NullRule::kHandles &&
             std::ranges::any_of(expression.children(), null);
    case Expr::Kind::kAnd:
    case Expr::Kind::kOr: return !expression.children().empty() && std::ranges::all_of(expression.children(), null);
    default: return false;
  }
}

// Whether the condition is never TRUE there.
bool rejects_nulls(const Expr& condition, const Columns& nulls) {
  auto rejects = [&](const ExprPtr& child) { return rejects_nulls(*child, nulls); };
  switch (condition.kind()) {
    case Expr::Kind::kAnd: return std::ranges::any_of(condition.children(), rejects);
    case Expr::Kind::kOr: return std::ranges::all_of(condition.children(), rejects);
    case Expr::Kind::kCall:
      if (condition.function().name == "IS NOT NULL") return is_null_for(*condition.child(0), nulls);
      if (condition.function().name == "IS TRUE") return rejects(condition.child(0));
      break;
    default: break;
  }
  return is_null_for(condition, nulls);
}

// The kind of join that gives the same rows, given that a condition on its output drops those with NULLs for a side.
JoinKind without_nulls(JoinKind kind, bool drops_left_nulls, bool drops_right_nulls) {
  bool left = preserves_left(kind) && !drops_right_nulls;  // rows of the left have NULLs for the right
  bool right = preserves_right(kind) && !drops_left_nulls;
  if (gives_left_only(kind)) return kind;
  return left ? (right ? JoinKind::kFull : JoinKind::kLeft) : (right ? JoinKind::kRight : JoinKind::kInner);
}

// The columns of the right input whose conditions may drop rows before the join: where these are versions, only all
// those of a key together.
Columns droppable(const Join& op, size_t right_columns) {
  bool of_versions = op.as_of && op.as_of->versions;
  Columns columns(right_columns, !of_versions);
  if (of_versions) {
    for (int column : op.as_of->versions->version_key) columns[column] = true;
  }
  return columns;
}

// Conditions over left ++ right, those over such columns of the right side alone as over the right input.
Conjuncts take_right(Conjuncts& conjuncts, size_t left_columns, const Columns& right) {
  size_t right_columns = right.size();
  Columns fits(left_columns, false);
  fits.insert(fits.end(), right.begin(), right.end());
  Conjuncts taken = take_over_columns(conjuncts, fits);
  std::vector<int> mapping(left_columns, -1);
  for (size_t i = 0; i < right_columns; ++i) mapping.push_back(static_cast<int>(i));
  for (ExprPtr& one : taken) one = expr::remap_columns(one, mapping);
  return taken;
}

void append(Conjuncts& to, Conjuncts from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

// A condition above the join goes to a side when every row of that side that it concerns is in a pair, or comes out as
// it is; one of the join itself when rows of that side alone never come out. An inner join takes in all the rest.
LogicalPtr push_filter(const Join& op, const LogicalPtr& node, Conjuncts conjuncts) {
  size_t left_columns = node->inputs[0]->schema.size();
  size_t right_columns = node->inputs[1]->schema.size();
  Columns on_left(left_columns, true);
  on_left.resize(left_columns + right_columns, false);
  Columns on_right = on_left;
  on_right.flip();

  Conjuncts above;  // over left ++ right, until the end
  for (ExprPtr& one : conjuncts) above.push_back(expr::remap_columns(one, op.output));
  auto drops = [&](const Columns& nulls) {
    return std::ranges::any_of(above, [&](const ExprPtr& one) { return rejects_nulls(*one, nulls); });
  };
  JoinKind kind = without_nulls(op.kind, drops(on_left), drops(on_right));

  Conjuncts own = op.condition == nullptr ? Conjuncts() : expr::split_conjunction(op.condition);
  if (kind == JoinKind::kInner) append(own, std::exchange(above, {}));
  Conjuncts left;
  Conjuncts right;
  if (kind == JoinKind::kLeft || gives_left_only(kind)) left = take_over_columns(above, on_left);
  if (kind == JoinKind::kRight) right = take_right(above, left_columns, droppable(op, right_columns));
  bool left_in_pairs = kind == JoinKind::kInner || kind == JoinKind::kRight || kind == JoinKind::kSemi;
  bool right_in_pairs = !preserves_right(kind);
  if (left_in_pairs) append(left, take_over_columns(own, on_left));
  if (right_in_pairs) append(right, take_right(own, left_columns, droppable(op, right_columns)));

  Join join = op;
  join.kind = kind;
  join.condition = own.empty() ? nullptr : expr::join_conjunction(std::move(own));
  LogicalInputs inputs = {push_filter(node->inputs[0], std::move(left)),
                          push_filter(node->inputs[1], std::move(right))};
  std::vector<int> output(left_columns + right_columns, -1);
  for (size_t i = 0; i < op.output.size(); ++i) output[op.output[i]] = static_cast<int>(i);
  for (ExprPtr& one : above) one = expr::remap_columns(one, output);
  return with_filter(make_node(std::move(join), std::move(inputs), column_names(*node)), std::move(above));
}

// --- convert ---

Result<PhysicalPtr> convert(const Join& op, const LogicalNode& node, PhysicalInputs inputs) {
  exchange_pair(inputs, op.keys);
  return make_physical_node(op, std::move(inputs), node);
}

// --- describe ---

namespace {

std::string_view kind_text(JoinKind kind) {
  switch (kind) {
    case JoinKind::kInner: return "inner";
    case JoinKind::kLeft: return "left";
    case JoinKind::kRight: return "right";
    case JoinKind::kFull: return "full";
    case JoinKind::kSemi: return "semi";
    case JoinKind::kAnti: return "anti";
  }
  return "inner";
}

std::string key_list(const std::vector<JoinKey>& keys, const PhysicalNode& node) {
  std::vector<std::string> texts;
  for (const JoinKey& key : keys) {
    texts.push_back(node.inputs[0]->schema[key.left].name + (key.nulls_match ? " IS NOT DISTINCT FROM " : " = ") +
                    node.inputs[1]->schema[key.right].name);
  }
  return list_text(texts);
}

// Which version counts, where it is not just the last one.
std::optional<std::string> match_text(const AsOf::Versions& versions) {
  if (!versions.lower_us && versions.upper_us == 0) return std::nullopt;
  std::string text = versions.first_counts() ? "first" : "last";
  if (versions.lower_us) text += " from " + duration_text(*versions.lower_us);
  if (versions.upper_us) text += " up to " + duration_text(*versions.upper_us);
  return text + " after";
}

}  // namespace

Description describe(const Join& op, const PhysicalNode& node) {
  bool of_windows = op.time && op.time->of != TimeBounds::Of::kRows;
  Description out{.kind = "Join", .details = {}};
  if (op.time) out.kind = of_windows ? "WindowJoin" : "IntervalJoin";
  if (op.as_of) out.kind = op.as_of->versions ? "TemporalJoin" : "LookupJoin";
  out.add("kind", std::string(kind_text(op.kind)));
  out.add("keys", key_list(op.keys, node));
  if (op.time && !of_windows) {
    out.add("time", fmt::format("{} is {} to {} after {}", node.inputs[1]->schema[op.time->right].name,
                                duration_text(op.time->lower_us), duration_text(op.time->upper_us),
                                node.inputs[0]->schema[op.time->left].name));
  }
  if (op.as_of && op.as_of->versions) {
    const AsOf::Versions& versions = *op.as_of->versions;
    out.add("time", node.inputs[0]->schema[versions.left_time].name);
    out.add("versions", node.inputs[1]->schema[versions.right_time].name);
    if (std::optional<std::string> match = match_text(versions)) out.add("match", *std::move(match));
  }
  if (op.condition != nullptr) out.add("condition", op.condition->to_string());
  out.add("columns", name_list(node.schema));
  // One row is soon held against all.
  bool one_row = std::ranges::any_of(node.inputs,
                                     [](const auto& input) { return input->traits.key && input->traits.key->empty(); });
  if (op.keys.empty() && !one_row)
    out.add("warning", "nothing is equal, so every row is held against every row, in one task");
  return out;
}

}  // namespace penstock::plan

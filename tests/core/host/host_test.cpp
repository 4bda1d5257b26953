// Finding hookpoints and composing edits.
#include "facet/host.h"

#include <facet/torch.h>

#include <gtest/gtest.h>

#include "core/host/small_info.h"
#include "expect_refusal.h"

namespace facet {
namespace {

Tensor doubled(const Rows& rows) { return rows.x * 2; }
Tensor plus_one(const Rows& rows) { return rows.x + 1; }
Tensor read(const Rows& rows) { return rows.x; }

TEST(Host, finds_points_by_name_and_alias) {
  EXPECT_EQ(hookpoint_index(small_info(), "embeddings"), 0);
  EXPECT_EQ(hookpoint_index(small_info(), "blocks.0.out"), 3);
  EXPECT_EQ(hookpoint_index(small_info(), "layers.1"), 3);
  EXPECT_EQ(refusal_of([] { hookpoint_index(small_info(), "embedings"); }),
            "small: no hookpoint \"embedings\" (did you mean \"embeddings\"?)");
}

TEST(Host, knows_the_last_point_that_is_hooked) {
  const std::vector<Hook> hooks = {{"blocks.1.in", read}, {"blocks.0.out", read}};
  EXPECT_EQ(last_hooked(small_info(), hooks), 4);
  EXPECT_EQ(last_hooked(small_info(), {}), -1);
}

TEST(Host, composes_edits_of_one_point_in_their_order) {
  const std::vector<Hook> hooks = {{"a", doubled}, {"b", doubled}, {"a", plus_one}};
  Rows rows;
  rows.x = torch::ones({2, 3});
  EXPECT_TRUE(torch::equal(apply_hooks(hooks, "a", rows), torch::full({2, 3}, 3.0)));
  EXPECT_TRUE(apply_hooks(hooks, "c", rows).is_same(rows.x));
}

TEST(Host, reports_an_edit_that_changes_the_shape_as_a_bug) {
  const std::vector<Hook> hooks = {{"a", [](const Rows& r) { return r.x.t(); }}};
  Rows rows;
  rows.x = torch::ones({2, 3});
  EXPECT_THROW(apply_hooks(hooks, "a", rows), Bug);
}

}  // namespace
}  // namespace facet

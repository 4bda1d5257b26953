// Which rows and values an edit changes, and by how much.
#include <gtest/gtest.h>

#include "analysis/intervene/edits.h"
#include "analysis/intervene/effect.h"
#include "analysis/intervene/prompts.h"
#include "expect_refusal.h"
#include "plugins/intervene_case.h"

namespace facet {
namespace {

using intervene::EditKind;
using intervene::Positions;

// Two sequences: a special and three tokens (two of them prompt), a special and one token.
Rows six_rows() {
  Rows rows;
  rows.position = torch::tensor({0, 1, 2, 3, 0, 1}, torch::kInt32);
  rows.flag = torch::tensor({3, 2, 2, 0, 3, 2}, torch::kUInt8);
  return rows;
}

std::vector<int64_t> taken(const Value& value, bool specials) {
  const Tensor at = Positions(value, specials).of(six_rows()).nonzero().flatten();
  return {at.const_data_ptr<int64_t>(), at.const_data_ptr<int64_t>() + at.numel()};
}

Value numbers(std::initializer_list<int64_t> of) {
  Value::Array out;
  for (const int64_t one : of) out.emplace_back(one);
  return out;
}

const char* const kSaeOfNone = "llama_topk_none";

InterveneCase in_block_2(const std::string& sae) {
  return InterveneCase(Value::Table{{"sae", sae}, {"block", 2}});
}

// Rows after the edit, and the host's own, [t, d] both.
struct BeforeAfter {
  Tensor before, after;
};
BeforeAfter rows_of(const InterveneCase& at, intervene::EditHow how,
                    const intervene::Intervention::Dose& dose, const Tensor& instead = {}) {
  intervene::Intervention intervention(*at.host, *at.loaded.sae, *at.loaded.normaliser, at.place,
                                       std::move(how));
  const Tokens prompt =
      intervene::prompt_of("x", "In the beginning God created the heaven", *at.host).tokens;
  std::vector<Hook> hooks = intervention.hooks(dose, nullptr, instead);
  BeforeAfter out;
  const auto read = [&](Tensor& to) {
    return Hook{at.place.points[0], [&to](const Rows& rows) {
                  to = rows.x.clone();
                  return rows.x;
                }};
  };
  hooks.insert(hooks.begin(), read(out.before));
  hooks.push_back(read(out.after));
  const torch::NoGradGuard no_gradients;
  at.host->forward(prompt, hooks, {});
  return out;
}

}  // namespace

TEST(InterveneEdits, positions_are_words_or_numbers) {
  EXPECT_EQ(taken("all", true), (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(taken("all", false), (std::vector<int64_t>{1, 2, 3, 5}));
  EXPECT_EQ(taken("not_first", true), (std::vector<int64_t>{1, 2, 3, 5}));
  EXPECT_EQ(taken("last", true), (std::vector<int64_t>{3, 5}));
  EXPECT_EQ(taken("prompt", false), (std::vector<int64_t>{1, 2, 5}));
  EXPECT_EQ(taken(numbers({3, 0}), true), (std::vector<int64_t>{0, 3, 4}));
  EXPECT_EQ(taken(numbers({3, 0}), false), (std::vector<int64_t>{3}));
}

TEST(InterveneEdits, the_last_token_that_may_be_edited_is_the_last) {
  Rows rows = six_rows();
  rows.flag = torch::tensor({1, 0, 0, 1, 1, 1}, torch::kUInt8);
  EXPECT_EQ(Positions("last", false).of(rows).nonzero().flatten().item<int64_t>(), 2);
}

TEST(InterveneEdits, change_values_by_their_word) {
  const Codes codes = Codes::of(torch::tensor({{0.0f, 2.0f, 5.0f}, {4.0f, 0.0f, 0.0f}}));
  const struct {
    EditKind kind;
    double amount;
    bool only_active;
    std::vector<float> dense;  // z' - z of latents 0 and 1
  } cases[] = {{EditKind::set, 3, false, {3, 1, 0, -1, 3, 0}},
               {EditKind::set, 3, true, {0, 1, 0, -1, 0, 0}},
               {EditKind::add, 3, false, {3, 3, 0, 3, 3, 0}},
               {EditKind::add, 3, true, {0, 3, 0, 3, 0, 0}},
               {EditKind::subtract, 3, true, {0, -3, 0, -3, 0, 0}},
               {EditKind::multiply, 3, false, {0, 4, 0, 8, 0, 0}},
               {EditKind::divide, 2, false, {0, -1, 0, -2, 0, 0}},
               {EditKind::ablate, 0, false, {0, -2, 0, -4, 0, 0}}};
  for (const auto& one : cases) {
    const Codes change =
        intervene::change_of_codes(codes, {0, 1}, one.kind, one.amount, one.only_active);
    EXPECT_TRUE(torch::equal(change.dense(), torch::tensor(one.dense).reshape({2, 3})))
        << static_cast<int>(one.kind);
  }
}

TEST(InterveneEdits, leave_other_tokens_their_bits) {
  const InterveneCase at = in_block_2(kSaeOfNone);
  for (const bool error_term : {true, false}) {
    intervene::EditHow how;
    how.error_term = error_term;
    how.positions = Positions(numbers({3, 5}), false);
    const BeforeAfter rows = rows_of(at, how, {{148}, 8});
    const Tensor changed = rows.before.ne(rows.after).any(1).nonzero().flatten();
    EXPECT_TRUE(torch::equal(changed, torch::tensor({3, 5}, torch::kInt64)));
  }
}

TEST(InterveneEdits, of_several_latents_add_up) {
  const InterveneCase at = in_block_2(kSaeOfNone);
  intervene::EditHow how;
  how.kind = EditKind::add_direction;
  const BeforeAfter both = rows_of(at, how, {{46, 148}, 2}), one = rows_of(at, how, {{46}, 2}),
                    other = rows_of(at, how, {{148}, 2});
  EXPECT_TRUE(near(both.after - both.before,
                   (one.after - one.before) + (other.after - other.before), 1e-5, 0));
}

TEST(InterveneEdits, along_random_directions_are_as_long) {
  Tensor way = torch::zeros({1, 64});
  way[0][7] = 1;
  for (const char* sae : {kSaeOfNone, "llama_relu_layer_norm"})
    for (const EditKind kind : {EditKind::set, EditKind::multiply, EditKind::add_direction,
                                EditKind::add_direction_relative})
      for (const bool error_term : {true, false}) {
        if (intervene::is_direction(kind) && !error_term) continue;
        const InterveneCase at = in_block_2(sae);
        intervene::EditHow how;
        how.kind = kind;
        how.error_term = error_term;
        const BeforeAfter edit = rows_of(at, how, {{148}, 3}),
                          random = rows_of(at, how, {{148}, 3}, way);
        Tensor base = edit.before;
        if (!error_term) {  // what the SAE decodes where nothing is edited
          how.kind = EditKind::multiply;
          base = rows_of(at, how, {{148}, 1}).after;
        }
        const Tensor change = edit.after - base, other = random.after - base;
        EXPECT_TRUE(near(other.norm(2, 1), change.norm(2, 1), 1e-4, 1e-4)) << sae;
        EXPECT_LT((other * (1 - way)).abs().max().item<double>(), 1e-4) << sae;
      }
}

TEST(InterveneEdits, directions_are_in_the_units_of_the_host) {
  const InterveneCase at = in_block_2(kSaeOfNone);
  class Halves : public Normaliser {
   public:
    Tensor apply(const Tensor& x, Stats&) const override { return x / 2; }
    Tensor invert(const Tensor& x, const Stats&) const override { return x * 2; }
    std::optional<RowMap> row_map() const override {
      RowMap map;
      map.scale = torch::tensor({0.5}, torch::kFloat64);
      return map;
    }
  };
  const Halves halves;
  intervene::EditHow how;
  how.kind = EditKind::add_direction;
  intervene::Intervention intervention(*at.host, *at.loaded.sae, halves, at.place, how);
  Rows rows;
  rows.x = torch::zeros({1, 64});
  rows.position = torch::tensor({1}, torch::kInt32);
  rows.flag = torch::tensor({0}, torch::kUInt8);
  const Tensor put = intervention.hooks({{148}, 3}, nullptr)[0].edit(rows);
  EXPECT_TRUE(near(put[0], 6 * at.loaded.sae->decoder(0)[148].detach(), 1e-6, 1e-6));
}

TEST(InterveneEdits, an_effect_is_measured_where_it_is_read) {
  const Tensor clean = torch::zeros({3, 4});
  Tensor edited = clean.clone();
  edited[2][1] = std::log(3.0f);  // 1/6, 1/2, 1/6, 1/6 at the last token
  intervene::Reading reading{{1, 0}, {2}, {}};
  const intervene::Effect effect = intervene::effect_of(clean, edited, reading);
  const double last = 0.25 * (3 * std::log(0.25 * 6) + std::log(0.25 * 2));
  EXPECT_NEAR(effect.kl, last / 3, 1e-6);
  EXPECT_NEAR(effect.largest, std::log(3.0), 1e-6);
  EXPECT_NEAR(effect.watched[0].logit, std::log(3.0), 1e-6);
  EXPECT_NEAR(effect.watched[0].log_probability, std::log(2.0), 1e-6);
  EXPECT_NEAR(effect.watched[1].log_probability, std::log(4.0 / 6), 1e-6);
  EXPECT_NEAR(effect.shift(), (std::log(2.0) + std::log(4.0 / 6)) / 2, 1e-6);
  reading.infill = {2};
  EXPECT_NEAR(intervene::effect_of(clean, edited, reading).kl, last, 1e-6);
  EXPECT_EQ(intervene::guesses_of(edited, reading)[0].id, 1);
  EXPECT_NEAR(intervene::guesses_of(edited, reading)[0].probability, 0.5, 1e-6);
}

}  // namespace facet

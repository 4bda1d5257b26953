// Contexts: which rows are chosen, and what is shown around them.
#include <gtest/gtest.h>

#include "facet/torch.h"

#include <set>

#include "byte_host.h"
#include "expect_refusal.h"
#include "fake_context.h"
#include "memory_codes.h"

using namespace facet;

namespace {

// 0 "The", 1 " cat", 2 " sat", 3 ".", 4 " é" in two halves (4, 5), 6 a line end, 7 " CAT".
const std::vector<std::string> kSmallTokens = {"The", "Ġcat", "Ġsat", ".",       "ĠÃ",
                                               "©",   "Ċ",    "ĠCAT", " ÃİĹŸ×ĐZ"};

// One latent with the given values on tokens of one sequence.
MemoryCodes one_sequence(std::vector<int32_t> ids, std::vector<float> values) {
  const auto n = static_cast<int64_t>(ids.size());
  std::vector<int32_t> position(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) position[i] = static_cast<int32_t>(i);
  return MemoryCodes(torch::tensor(values).unsqueeze(1), std::vector<int64_t>(ids.size(), 0),
                     position, {{"doc", "", ""}})
      .set_tokens(torch::tensor(ids, torch::kInt32), torch::zeros({n}, torch::kUInt8));
}

class ContextsOf {
 public:
  ContextsOf(const CodesReader& codes, Value::Table params) {
    context_.living = &host_;
    context_.stored = &codes;
    params.try_emplace("least_contexts", 1);
    report = run_analysis("contexts", Value(std::move(params)), context_);
  }
  const std::string& file(const std::string& name) const { return context_.files.at(name); }
  const std::vector<std::vector<Value>>& rows() const {
    table_ = parse_tsv(file("contexts.tsv"), "contexts.tsv");
    return table_.rows();
  }
  std::vector<std::string> column(size_t number) const {
    std::vector<std::string> out;
    for (const auto& row : rows()) {
      const auto* text = row[number].as<std::string>();
      out.push_back(text ? *text : for_eyes(row[number]));
    }
    return out;
  }
  Report report;

 private:
  ByteHost host_{kSmallTokens};
  FakeContext context_;
  mutable Table table_;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST(Contexts, show_the_strongest_tokens_with_the_text_around_them) {
  const MemoryCodes codes = one_sequence({0, 1, 2, 3, 0, 7}, {0, 2, 0.5f, 0, 0, 3});
  const ContextsOf found(codes, {{"quantiles", 0}, {"before", 2}, {"after", 1}});
  EXPECT_EQ(found.file("contexts.tsv"),
            "latent\tquantile\tvalue\ttoken\tsequence\tposition\tcontext\n"
            "0\ttop\t3.0\tĠCAT\tdoc\t5\t.The<< CAT>>\n"
            "0\ttop\t2.0\tĠcat\tdoc\t1\tThe<< cat>> sat\n"
            "0\ttop\t0.5\tĠsat\tdoc\t2\tThe cat<< sat>>.\n");
  EXPECT_EQ(number(found.report, "total_latents"), 1);
  EXPECT_EQ(number(found.report, "contexts"), 3);
  EXPECT_EQ(number(found.report, "above"), 3);
}

TEST(Contexts, draw_uniformly_of_each_quantile_besides_the_strongest) {
  std::vector<int32_t> ids(100, 1);
  std::vector<float> values;
  for (int i = 0; i < 100; ++i) values.push_back(static_cast<float>(i + 1));
  const MemoryCodes codes = one_sequence(ids, values);
  const ContextsOf found(codes, {{"top", 2}, {"quantiles", 4}, {"per_quantile", 5}});
  const auto& rows = found.rows();
  ASSERT_EQ(rows.size(), 22U);
  std::set<double> seen;
  for (size_t i = 0; i < rows.size(); ++i) {
    const double value = *rows[i][2].as<double>();
    EXPECT_TRUE(seen.insert(value).second) << value;
    if (i < 2) {
      EXPECT_EQ(value, 100.0 - static_cast<double>(i));
      continue;
    }
    const int64_t quantile = *rows[i][1].as<int64_t>();
    EXPECT_EQ(quantile, 4 - static_cast<int64_t>((i - 2) / 5));
    EXPECT_GT(value, 25.0 * static_cast<double>(quantile - 1));
    EXPECT_LE(value, 25.0 * static_cast<double>(quantile));
  }
  const ContextsOf again(codes, {{"top", 2}, {"quantiles", 4}, {"per_quantile", 5}});
  EXPECT_EQ(again.file("contexts.tsv"), found.file("contexts.tsv"));
}

TEST(Contexts, draw_every_row_of_a_quantile_alike) {
  std::vector<float> values;
  for (int i = 0; i < 8; ++i) values.push_back(static_cast<float>(8 - i));
  // Of 8 rows one quantile; each latent draws 2 of them by its own.
  const Tensor dense = torch::tensor(values).unsqueeze(1).expand({8, 2000}).contiguous();
  const MemoryCodes codes =
      MemoryCodes(dense, std::vector<int64_t>(8, 0), {0, 1, 2, 3, 4, 5, 6, 7}, {})
          .set_tokens(torch::zeros({8}, torch::kInt32), torch::zeros({8}, torch::kUInt8));
  const ContextsOf found(codes, {{"top", 0}, {"quantiles", 1}, {"per_quantile", 2}});
  std::map<double, int> count;
  for (const auto& row : found.rows()) ++count[*row[2].as<double>()];
  ASSERT_EQ(count.size(), 8U);
  for (const auto& [value, times] : count) EXPECT_NEAR(times, 500, 100) << value;
}

TEST(Contexts, count_only_values_above_the_threshold_and_latents_with_enough) {
  const MemoryCodes codes = one_sequence({0, 1, 2}, {1, 2, 3});
  const ContextsOf some(codes, {{"threshold", 1.0}, {"quantiles", 0}});
  EXPECT_EQ(some.column(2), (Texts{"3", "2"}));
  const ContextsOf none(codes, {{"threshold", 1.0}, {"quantiles", 0}, {"least_contexts", 3}});
  EXPECT_EQ(none.rows().size(), 0U);
  EXPECT_EQ(number(none.report, "live"), 1);
  EXPECT_EQ(number(none.report, "total_latents"), 0);
}

TEST(Contexts, end_where_a_token_was_left_out_or_another_sequence_begins) {
  const Tensor dense = torch::tensor({{0.0f}, {1.0f}, {0.0f}, {2.0f}});
  const MemoryCodes codes =
      MemoryCodes(dense, {0, 0, 0, 1}, {0, 2, 3, 0}, {{"a", "", ""}, {"b", "", ""}})
          .set_tokens(torch::tensor({0, 1, 2, 0}, torch::kInt32), torch::zeros({4}, torch::kUInt8));
  const ContextsOf found(codes, {{"quantiles", 0}});
  EXPECT_EQ(found.column(6), (Texts{"<<The>>", "<< cat>> sat"}));
}

TEST(Contexts, take_rows_of_one_token_at_several_layers_for_one_token) {
  const Tensor dense = torch::tensor({{0.0f}, {1.0f}, {3.0f}, {2.0f}});
  const MemoryCodes codes =
      MemoryCodes(dense, {0, 0, 0, 0}, {0, 0, 1, 1}, {{"a", "", ""}})
          .set_tokens(torch::tensor({0, 0, 1, 1}, torch::kInt32), torch::zeros({4}, torch::kUInt8));
  const ContextsOf found(codes, {{"quantiles", 0}});
  EXPECT_EQ(found.column(6), (Texts{"The<< cat>>", "The<< cat>>", "<<The>> cat"}));
}

TEST(Contexts, show_halves_of_a_character_as_replaced) {
  const MemoryCodes codes = one_sequence({0, 4, 5, 1}, {0, 1, 0, 0.5f});
  const ContextsOf found(codes, {{"quantiles", 0}});
  EXPECT_EQ(found.column(6), (Texts{"The<< \uFFFD>>\uFFFD cat", "The é<< cat>>"}));
}

TEST(Contexts, of_routesae_are_sentences_by_lower_case_class) {
  const MemoryCodes codes = one_sequence({0, 1, 2, 3, 0, 7, 3, 0, 1}, {0, 2, 0, 0, 0, 5, 0, 0, 3});
  const ContextsOf found(codes, {{"form", "routesae"}, {"model", "TopK"}, {"threshold", 1}});
  EXPECT_EQ(found.column(1), (Texts{"ġcat", "ġcat"}));
  EXPECT_EQ(found.column(6),
            (Texts{"The<ACTIVATED> CAT</ACTIVATED>.", "The<ACTIVATED> cat</ACTIVATED>"}));
  EXPECT_EQ(number(found.report, "classes"), 1);
  const std::string top =
      "{\"0\": [{\"sequence\": 0, \"max_activation\": 5.0, \"position\": 5, \"n_active\": 3}]}";
  EXPECT_EQ(found.file("top_sequences.json"),
            "{\"pads_included\": " + top + ", \"real_tokens\": " + top + "}");
}

TEST(Contexts, of_routesae_have_classes_in_lower_case_of_the_byte_alphabet) {
  const MemoryCodes codes = one_sequence({8}, {1});
  const ContextsOf found(codes, {{"form", "routesae"}});
  EXPECT_EQ(found.column(1), (Texts{"ãi\u0307ĺÿ×đz"}));
}

// Of equal values the larger text is kept, as the peer's heap does.
TEST(Contexts, of_routesae_keep_the_larger_text_of_equal_values) {
  const MemoryCodes codes = one_sequence({0, 1, 3, 1, 3, 2, 1, 3}, {0, 2, 0, 2, 0, 0, 2, 0});
  const ContextsOf found(codes, {{"form", "routesae"}});
  EXPECT_EQ(found.column(6),
            (Texts{"The<ACTIVATED> cat</ACTIVATED>.", "sat<ACTIVATED> cat</ACTIVATED>."}));
}

TEST(Contexts, of_routesae_of_nothing_are_files_of_nothing) {
  const MemoryCodes codes = one_sequence({0, 1}, {0, 0});
  const ContextsOf found(codes, {{"form", "routesae"}});
  EXPECT_EQ(found.file("contexts.json"),
            "{\n \"model\": \"\",\n \"total_latents\": 0,\n \"threshold\": 0.0,\n \"max_length\": "
            "64,\n \"max_per_token\": 2,\n \"lines\": 1,\n \"latent_context_map\": {}\n}");
  EXPECT_EQ(found.file("top_sequences.json"), "{\"pads_included\": {}, \"real_tokens\": {}}");
}

TEST(Contexts, show_only_the_latents_that_are_asked_for) {
  const MemoryCodes codes =
      MemoryCodes(torch::ones({1, 3}), {0}, {0}, {})
          .set_tokens(torch::zeros({1}, torch::kInt32), torch::zeros({1}, torch::kUInt8));
  const ContextsOf found(codes, {{"latents", Value::Array{2, 0}}});
  EXPECT_EQ(found.column(0), (Texts{"2", "0"}));
  EXPECT_EQ(refusal_of([&] {
              ContextsOf(codes, {{"latents", Value::Array{3}}});
            }),
            "contexts.latents: is 3, should be from 0 to 2");
}

TEST(Contexts, refuse_pooled_codes_and_none) {
  const MemoryCodes pooled(torch::ones({1, 1}), {0}, {0}, {}, "mean");
  EXPECT_EQ(refusal_of([&] { ContextsOf(pooled, {}); }),
            "contexts: a row of these codes is a whole sequence (pool is \"mean\"), should be a "
            "token");
  const MemoryCodes empty(torch::zeros({0, 1}), {}, {}, {});
  EXPECT_EQ(refusal_of([&] { ContextsOf(empty, {}); }), "contexts: there are no rows to look at");
}

// layers_as: the hookpoints of a token as rows of their own.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "core/activations/letter_host.h"
#include "expect_refusal.h"

namespace facet {
namespace {

constexpr int64_t kWholePass = 1000;

StreamParams layers_as(const std::string& word) {
  StreamParams params = small_windows();
  params.layers_as = word;
  return params;
}

ActivationStream layers(const StreamParams& params,
                        std::vector<std::string> points = {"embeddings", "blocks.0.out"}) {
  return ActivationStream(std::make_shared<LetterHost>(), texts(words(30)), std::move(points),
                          params);
}

TEST(Layers, as_rows_come_token_by_token_in_layer_order) {
  const Rows points = layers(small_windows()).open(Order::sequential, 0)->next(kWholePass);
  for (const char* word : {"rows", "turns"}) {
    const ActivationStream stream = layers(layers_as(word));
    const auto source = stream.open(Order::sequential, 0);
    EXPECT_EQ(source->epoch_rows(), 2 * points.size());
    const Rows rows = source->next(kWholePass);
    EXPECT_TRUE(torch::equal(rows.x, points.x.reshape({-1, 1, 4})));
    EXPECT_TRUE(torch::equal(rows.token, points.token.repeat_interleave(2)));
    EXPECT_TRUE(torch::equal(rows.sequence, points.sequence.repeat_interleave(2)));
    EXPECT_EQ(stream.shape().points_in, 1);
    EXPECT_FALSE(stream.shape().transcodes);
    EXPECT_EQ(stream.rows_of_a_token(), 2);
  }
  EXPECT_EQ(layers(layers_as("rows")).turns(), 1);
  EXPECT_EQ(layers(layers_as("turns")).turns(), 2);
}

TEST(Layers, as_rows_are_shuffled_one_by_one_and_as_turns_token_by_token) {
  const auto beside = [](const char* word) {  // the layers of each token
    const Rows rows = layers(layers_as(word)).open(Order::shuffled, 3)->next(kWholePass);
    const Tensor even = torch::arange(0, rows.size(), 2);
    const Rows first = rows.select(even), second = rows.select(even + 1);
    return torch::equal(first.position, second.position) &&
           torch::equal(first.sequence, second.sequence);
  };
  EXPECT_FALSE(beside("rows"));
  EXPECT_TRUE(beside("turns"));
  EXPECT_NE(
      layers(layers_as("turns")).open(Order::shuffled, 3)->next(9).position.sum().item<int>(),
      layers(layers_as("turns")).open(Order::sequential, 3)->next(9).position.sum().item<int>());
}

TEST(Layers, as_rows_go_on_from_every_place) {
  for (const char* word : {"rows", "turns"})
    for (const Order order : {Order::sequential, Order::shuffled}) {
      const ActivationStream stream = layers(layers_as(word));
      const auto source = stream.open(order, 9);
      for (int step = 0; step < 60; ++step) {
        const Value cursor = parse_json(emit_json(source->cursor()), "cursor");
        const auto fresh = stream.open(order, 9);
        fresh->seek(cursor);
        ASSERT_TRUE(same_bits(source->next(7), fresh->next(7))) << word << " " << step;
      }
    }
}

TEST(Layers, as_rows_are_filtered_and_pooled_before_they_part) {
  StreamParams params = layers_as("rows");
  params.pool = "max";
  const Rows pooled = layers(params).open(Order::sequential, 0)->next(kWholePass);
  params.layers_as = "points";
  EXPECT_TRUE(torch::equal(
      pooled.x, layers(params).open(Order::sequential, 0)->next(kWholePass).x.reshape({-1, 1, 4})));
  EXPECT_EQ(pooled.size(), 60);
}

TEST(Layers, are_part_of_the_streams_identity) {
  const std::string points = layers(small_windows()).key(), rows = layers(layers_as("rows")).key();
  EXPECT_NE(points, rows);
  EXPECT_NE(rows, layers(layers_as("turns")).key());
  EXPECT_EQ(layers(small_windows()).raw_key(), layers(layers_as("rows")).raw_key());
}

TEST(Layers, refuse_one_hookpoint_a_target_and_made_rows) {
  for (const std::string word : {"rows", "turns"}) {
    const std::string start = "activations.layers_as: is \"" + word + "\", ";
    StreamParams params = layers_as(word);
    EXPECT_EQ(refusal_of([&] { layers(params, {"embeddings"}); }),
              start + "which needs several hookpoints: activations.hookpoints names 1");
    EXPECT_EQ(
        refusal_of([&] { ActivationStream(dataset_of(std::make_shared<WaveData>(9)), params); }),
        start + "should be \"points\": this data makes rows by itself");
    params.target = Value::Array{"embeddings", "blocks.0.out"};
    EXPECT_EQ(refusal_of([&] { layers(params); }),
              start + "should be \"points\" with activations.target");
  }
}

}  // namespace
}  // namespace facet

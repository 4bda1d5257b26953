// A host and a data source that tests can predict: rows are a function of letter and position.
#pragma once

#include <facet/torch.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "activations/activation_stream.h"
#include "facet/host.h"

namespace facet {

/// Letters a .. z are 1 .. 26, between the specials 0 and 27. Points: embeddings and blocks.0.out
/// of width 4, wide of width 6.
class LetterHost final : public HostModel {
 public:
  explicit LetterHost(int64_t context = 0) {
    info_.type = "letters";
    info_.points = {
        {"embeddings", "layers.0", 4, -1}, {"blocks.0.out", "layers.1", 4, 0}, {"wide", "", 6, -1}};
    info_.vocabulary = 28;
    info_.context = context;
    info_.d_model = 4;
    info_.layers = 1;
    info_.weights_hash = "none";
    info_.switches = Value::Table();
  }

  const HostInfo& info() const override { return info_; }

  Tokens tokenize(std::span<const std::string> texts) const override {
    std::vector<int64_t> id, start = {0}, sequence;
    std::vector<uint8_t> flag;
    for (size_t i = 0; i < texts.size(); ++i) {
      id.push_back(0);
      flag.push_back(kSpecial);
      for (size_t j = 0; j < texts[i].size(); ++j) {
        const char letter = texts[i][j];
        if (letter < 'a' || letter > 'z')
          throw UserError("letters: text " + std::to_string(i) + ": letter \"" + letter +
                          "\" at position " + std::to_string(j + 1) + ": not in the vocabulary");
        id.push_back(letter - 'a' + 1);
        flag.push_back(letter - 'a' + 1 == pad_letter ? kPad : kContent);
      }
      id.push_back(27);
      flag.push_back(kSpecial);
      start.push_back(static_cast<int64_t>(id.size()));
      sequence.push_back(static_cast<int64_t>(i));
    }
    return {torch::tensor(id, torch::kInt64), torch::tensor(start, torch::kInt64),
            torch::tensor(sequence, torch::kInt64), torch::tensor(flag, torch::kUInt8)};
  }

  Logits forward(const Tokens& tokens, std::span<const Hook> hooks, Want, Decoding*) override {
    batches.push_back(tokens.id.size(0));
    const Tensor lengths = tokens.start.diff();
    Rows rows;
    rows.sequence = tokens.sequence.repeat_interleave(lengths);
    rows.position =
        (torch::arange(tokens.id.size(0)) - tokens.start.slice(0, 0, -1).repeat_interleave(lengths))
            .to(torch::kInt32);
    rows.token = tokens.id.to(torch::kInt32);
    rows.flag = tokens.flag;
    const Tensor at = rows.token.to(torch::kFloat32) + rows.position * 0.25;
    for (const HookPoint& point : info_.points) {
      rows.x = torch::sin(at.unsqueeze(1) * torch::arange(1, point.width + 1) + point.block);
      if (loud_letter > 0) rows.x.mul_(1 + 99 * rows.token.eq(loud_letter).unsqueeze(1));
      if (spoil_letter > 0) rows.x.masked_fill_(rows.token.eq(spoil_letter).unsqueeze(1), NAN);
      apply_hooks(hooks, point.name, rows);
    }
    return {};
  }

  std::string text(std::span<const int64_t> ids) const override {
    std::string out;
    for (const int64_t id : ids)
      out += id == 0 ? '<' : id == 27 ? '>' : static_cast<char>('a' + id - 1);
    return out;
  }
  /// Says that a token sees only those before it, and which begins a text.
  LetterHost& set_causal(int64_t begin = 0) {
    info_.causal = true;
    info_.ids.begin = begin;
    return *this;
  }

  std::vector<int64_t> batches;  ///< tokens of each forward pass
  int64_t spoil_letter = 0;      ///< rows of this token are not a number
  int64_t pad_letter = 0;        ///< is a pad
  int64_t loud_letter = 0;       ///< its rows are 100 times as long

 private:
  HostInfo info_;
};

/// Records p0, p1, ... with the given texts.
class ListData final : public Data {
 public:
  explicit ListData(std::vector<std::string> texts) : texts_(std::move(texts)) {}

  std::unique_ptr<RecordReader> open() const override {
    struct Reader final : RecordReader {
      explicit Reader(const std::vector<std::string>& all) : texts(all) {}
      bool next(Record& record) override {
        if (at == texts.size()) return false;
        record = {"p" + std::to_string(at),
                  texts[at],
                  {},
                  {{"description", "number " + std::to_string(at)}}};
        ++at;
        return true;
      }
      const std::vector<std::string>& texts;
      size_t at = 0;
    };
    return std::make_unique<Reader>(texts_);
  }

 private:
  std::vector<std::string> texts_;
};

/// Rows whose numbers are a function of row and column.
class WaveData final : public Data {
 public:
  explicit WaveData(int64_t rows, int64_t width = 4) : maker_(rows, width) {}
  const RowMaker* rows() const override { return &maker_; }

 private:
  class Maker final : public RowMaker {
   public:
    Maker(int64_t rows, int64_t width) : rows_(rows), width_(width) {}
    int64_t rows() const override { return rows_; }
    int64_t width() const override { return width_; }
    Tensor make(int64_t first, int64_t n) const override {
      const Tensor row = torch::arange(first, first + n).to(torch::kFloat32).unsqueeze(1);
      return torch::sin(row * torch::arange(1, width_ + 1) * 0.7);
    }
    Tensor dictionary() const override { return torch::eye(width_); }

   private:
    int64_t rows_, width_;
  };
  Maker maker_;
};

inline Dataset dataset_of(std::shared_ptr<const Data> data, const std::string& key = "test") {
  DatasetParams params;
  params.type = "test";
  return Dataset(std::move(data), params, key);
}

inline Dataset texts(std::vector<std::string> list) {
  return dataset_of(std::make_shared<ListData>(std::move(list)));
}

/// `count` words of 1 to 9 letters.
inline std::vector<std::string> words(int64_t count) {
  std::vector<std::string> out;
  for (int64_t i = 0; i < count; ++i) {
    std::string word;
    for (int64_t j = 0; j <= (i * 7) % 9; ++j)
      word += static_cast<char>('a' + (i * 5 + j * 3) % 26);
    out.push_back(word);
  }
  return out;
}

inline StreamParams small_windows(int64_t buffer_rows = 20, int64_t batch_tokens = 16) {
  StreamParams params;
  params.buffer_rows = buffer_rows;
  params.batch_tokens = batch_tokens;
  params.prefetch = false;  // tests look into the host
  return params;
}

inline bool same_bits(const Rows& a, const Rows& b) {
  return torch::equal(a.x, b.x) && torch::equal(a.sequence, b.sequence) &&
         torch::equal(a.position, b.position) && torch::equal(a.token, b.token) &&
         torch::equal(a.flag, b.flag);
}

}  // namespace facet

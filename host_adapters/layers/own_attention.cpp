// Lays a head out, then goes through it six queries at a time.
#include "own_attention.h"

#include <c10/util/BFloat16.h>

#include <algorithm>
#include <cmath>

#include "tiles.h"
#include "vectors_here.h"

namespace facet::layers {

namespace {

constexpr int64_t kLanes = 16;  // the widest vectors
constexpr int64_t kBlock = 64;  // keys
constexpr float kLog2E = 1.44269504f;

int64_t padded(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/// Where everything lies in the room.
struct Layout {
  int64_t n, keys, width;  // keys: n padded; width: head_dim padded
  int64_t score_row;       // from a row of scores to the next: rows at powers of two would push
                           // each other out of the cache
  float* key;              // [keys / kBlock, head_dim, kBlock]: blocks of keys, transposed
  float* value;            // [n, width]
  float* query;            // [kRows, head_dim]
  float* score;            // [kRows, score_row]
  float* mixed;            // [kRows, width]
  int64_t end;

  Layout(int64_t n, int64_t head_dim, float* room)
      : n(n),
        keys(padded(n, kLanes)),
        width(padded(head_dim, kLanes / 2)),
        score_row(keys + kLanes),
        key(room),
        value(key + head_dim * padded(n, kBlock)),
        query(value + n * width),
        score(query + tiles::kRows * head_dim),
        mixed(score + tiles::kRows * score_row),
        end(mixed + tiles::kRows * width - room) {}

  float* block_of(int64_t key_index, int64_t head_dim) const {
    return key + key_index / kBlock * kBlock * head_dim + key_index % kBlock;
  }
};

/// Row `i` of x, times scale, rotated: element c goes to to[c * step].
template <class T>
FACET_TILE void rotate(const Head<T>& head, const T* x, int64_t i, float scale, float* to,
                       int64_t step) {
  const int64_t half = head.head_dim / 2;
  const T* row = x + i * head.stride;
  const float *cos = head.cos + i * half, *sin = head.sin + i * half;
  for (int64_t c = 0; c < half; ++c) {
    const float a = static_cast<float>(row[c]) * scale;
    const float b = static_cast<float>(row[half + c]) * scale;
    to[c * step] = a * cos[c] - b * sin[c];
    to[(half + c) * step] = b * cos[c] + a * sin[c];
  }
}

template <class T>
FACET_TILE void lay_out(const Head<T>& head, const Layout& at) {
  for (int64_t j = 0; j < at.n; ++j) {
    rotate(head, head.k, j, 1.0f, at.block_of(j, head.head_dim), kBlock);
    const T* from = head.v + j * head.stride;
    float* to = at.value + j * at.width;
    for (int64_t c = 0; c < head.head_dim; ++c) to[c] = static_cast<float>(from[c]);
    for (int64_t c = head.head_dim; c < at.width; ++c) to[c] = 0;
  }
  for (int64_t c = 0; c < head.head_dim; ++c)
    for (int64_t j = at.n; j < at.keys; ++j) at.block_of(j, head.head_dim)[c * kBlock] = 0;
}

/// W floats to a vector, MOST vectors of sums to a row.
template <int W, int MOST, class T>
FACET_TILE void attend_laid_out(const Head<T>& head, const Layout& at) {
  for (int64_t first = 0; first < at.n; first += tiles::kRows) {
    const int64_t rows = std::min<int64_t>(tiles::kRows, at.n - first);
    for (int64_t i = 0; i < tiles::kRows; ++i)
      rotate(head, head.q, first + std::min(i, rows - 1), head.scale * kLog2E,
             at.query + i * head.head_dim, 1);
    // By the last of these rows.
    const int64_t seen = head.causal ? std::min(first + rows, head.real) : head.real;
    const int64_t keys = padded(seen, kLanes);
    for (int64_t j = 0; j < keys; j += kBlock)
      tiles::wide_product<W, MOST>(at.query, head.head_dim, at.block_of(j, head.head_dim), kBlock,
                                   head.head_dim, std::min(kBlock, keys - j), at.score + j,
                                   at.score_row);
    float sum[tiles::kRows];
    for (int64_t i = 0; i < rows; ++i) {
      float* score = at.score + i * at.score_row;
      const int64_t own = head.causal ? std::min(first + i + 1, head.real) : head.real;
      for (int64_t j = own; j < seen; ++j) score[j] = 0;
      sum[i] = tiles::exponentials<W>(score, own);
    }
    tiles::wide_product<W, MOST>(at.score, at.score_row, at.value, at.width, seen, at.width,
                                 at.mixed, at.width);
    for (int64_t i = 0; i < rows; ++i) {
      const float share = 1 / sum[i];
      T* out = head.out + (first + i) * head.out_stride;
      for (int64_t c = 0; c < head.head_dim; ++c)
        out[c] = static_cast<T>(at.mixed[i * at.width + c] * share);
    }
  }
}

template <int W, int MOST, class T>
FACET_TILE void attend(Head<T> head, float* room) {
  const Layout at(head.n, head.head_dim, room);
  lay_out(head, at);
  for (int64_t i = 0; i < head.group; ++i) {
    attend_laid_out<W, MOST>(head, at);
    head.q += head.head_dim;
    head.out += head.head_dim;
  }
}

#if defined(__x86_64__) && defined(__GNUC__)

template <class T>
__attribute__((target("arch=x86-64-v4"))) void attend_512(const Head<T>& head, float* room) {
  attend<16, 4>(head, room);
}
template <class T>
__attribute__((target("arch=x86-64-v3"))) void attend_256(const Head<T>& head, float* room) {
  attend<8, 2>(head, room);
}

template <class T>
void attend_fastest(const Head<T>& head, float* room) {
  vectors_here() == Vectors::avx512 ? attend_512(head, room) : attend_256(head, room);
}

#else

template <class T>
void attend_fastest(const Head<T>& head, float* room) {
  attend<8, 2>(head, room);
}

#endif

}  // namespace

bool attends_here() { return vectors_here() != Vectors::none; }

int64_t room_of_head(int64_t n, int64_t head_dim) { return Layout(n, head_dim, nullptr).end; }

template <class T>
void attend_head(const Head<T>& head, float* room) {
  attend_fastest(head, room);
}
template void attend_head(const Head<float>&, float*);
template void attend_head(const Head<c10::BFloat16>&, float*);

}  // namespace facet::layers

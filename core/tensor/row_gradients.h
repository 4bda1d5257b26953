// Gradients of weights with one row a latent, of which a batch touches few.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "tensor/by_latent.h"

namespace facet {

class WaitingRows;

/// The gradient of one weight, row by row. A row that is not here is 0.
class GradientRows {
 public:
  /// Of a weight [m, d].
  GradientRows(int64_t m, int64_t d);

  /// Adds to the row of each latent that the index has what sum_rows_by_latent() gives it.
  void add(const ByLatent& index, const float* weight, const at::Tensor& x,
           const at::Tensor& shift);
  /// Adds rows [k, d] to those of latents [k] int64, each there once.
  void add(const at::Tensor& latents, const at::Tensor& rows);
  void clear();

  /// Whether anything was added since clear(), if only of no latent.
  bool given() const { return given_; }
  /// The latents that have a row, in the order of rows().
  const std::vector<int32_t>& latents() const { return latents_; }
  /// [r, d], contiguous; shares memory.
  at::Tensor rows() const;
  /// The row of a latent; null: it is 0.
  const float* find(int64_t latent) const;
  /// [m, d], zeros where there is no row.
  at::Tensor dense() const;

 private:
  // Gives each of these latents a row; those that had none are not set yet.
  void make_room(const std::vector<int32_t>& latents);
  // The row of a latent, 0 if the last make_room() made it.
  float* begun(int32_t latent);

  int64_t d_;
  bool given_ = false;
  std::vector<int32_t> place_;    // [m]: of the latent's row; -1: none
  std::vector<int32_t> latents_;  // [r]
  size_t set_ = 0;                // rows before the last make_room()
  at::Tensor memory_;             // [at least r, d]; kept from step to step
};

/// The gradient rows of the weights of one SAE. While a Scope of it lives, operations on that
/// thread leave the gradients of these weights here and not in Tensor::grad().
class HeldGradients {
 public:
  HeldGradients();
  ~HeldGradients();

  class Scope {
   public:
    explicit Scope(HeldGradients* gradients);  // null: gradients are whole
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    HeldGradients* before_;
  };

  /// A weight whose latents are on axis 0, [m, d], or on axis 1, [d, m]; either way its memory
  /// holds one latent after another.
  void hold(const at::Tensor& weight, int64_t axis);
  /// The same; rows without a gradient wait as `waiting` (or null) says.
  void hold(const at::Tensor& weight, int64_t axis, std::unique_ptr<WaitingRows> waiting);
  /// Whether a weight can be held: a leaf on the CPU of two axes, laid out so.
  static bool can_hold(const at::Tensor& weight, int64_t axis);

  /// Of the live scope on this thread; null when there is none that holds `weight`.
  static GradientRows* of(const at::Tensor& weight);
  GradientRows* find(const at::Tensor& weight) const;
  /// How rows of a weight wait, of the live scope on this thread and of this; null when none do.
  static WaitingRows* waiting(const at::Tensor& weight);
  WaitingRows* find_waiting(const at::Tensor& weight) const;

 private:
  struct Held {
    at::Tensor weight;
    std::unique_ptr<GradientRows> rows;
    std::unique_ptr<WaitingRows> waiting;
  };
  const Held* held(const at::Tensor& weight) const;
  std::vector<Held> held_;
};

}  // namespace facet

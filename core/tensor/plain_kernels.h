// PlainKernels: encoding without the ways that spare work, to compare with.
#pragma once

namespace facet {

/// While one lives that wants them, encoders on its thread work out every pre-activation, by
/// LibTorch's matrix product.
class PlainKernels {
 public:
  explicit PlainKernels(bool wanted);
  ~PlainKernels();
  PlainKernels(const PlainKernels&) = delete;
  PlainKernels& operator=(const PlainKernels&) = delete;
  static bool wanted();

 private:
  bool before_;
};

}  // namespace facet

// Checks single numbers.
#include "numbers.h"

namespace facet::llama {

namespace {

void refuse(const layers::JsonNode& node, const std::string& should) {
  const std::string is = node.given() ? node.value()->describe() : "required";
  node.problem(is + ", should be " + should);
}

}  // namespace

int64_t count(const layers::JsonNode& node, int64_t most, int64_t otherwise) {
  if (!node.given() && otherwise > 0) return otherwise;
  const int64_t* number = node.given() ? node.value()->as<int64_t>() : nullptr;
  if (number && *number >= 1 && *number <= most) return *number;
  refuse(node, "an integer from 1 to " + std::to_string(most));
  return 1;
}

double positive(const layers::JsonNode& node, double otherwise) {
  if (!node.given() && otherwise > 0) return otherwise;
  double number = 0;
  if (node.given()) {
    if (const int64_t* whole = node.value()->as<int64_t>()) number = static_cast<double>(*whole);
    if (const double* real = node.value()->as<double>()) number = *real;
  }
  if (number > 0 && number < 1e30) return number;
  refuse(node, "a number above 0");
  return 1;
}

}  // namespace facet::llama

// A host that only spells: raw tokens of the byte alphabet, as byte-level BPE has them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "facet/host.h"

namespace facet {

class ByteHost final : public HostModel {
 public:
  explicit ByteHost(std::vector<std::string> tokens) {
    info_.type = "bytes";
    info_.tokens = std::move(tokens);
    for (int byte = 0, other = 256; byte < 256; ++byte) {
      const bool itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
      byte_of_[character(itself ? byte : other++)] = static_cast<char>(byte);
    }
  }

  const HostInfo& info() const override { return info_; }
  Tokens tokenize(std::span<const std::string>) const override { throw Bug("it only spells"); }
  Logits forward(const Tokens&, std::span<const Hook>, Want, Decoding*) override {
    throw Bug("it only spells");
  }
  std::string text(std::span<const int64_t> ids) const override {
    std::string out;
    for (const int64_t id : ids) out += bytes_of(info_.tokens.at(static_cast<size_t>(id)));
    return out;
  }

 private:
  // UTF-8 of one character below U+0800.
  static std::string character(int c) {
    if (c < 0x80) return std::string(1, static_cast<char>(c));
    return {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
  }

  // A token with a character outside the alphabet stands for itself.
  std::string bytes_of(const std::string& token) const {
    std::string out;
    for (size_t at = 0; at < token.size();) {
      const size_t length = (static_cast<unsigned char>(token[at]) & 0xC0) == 0xC0 ? 2 : 1;
      const auto found = byte_of_.find(token.substr(at, length));
      if (found == byte_of_.end()) return token;
      out += found->second;
      at += length;
    }
    return out;
  }

  HostInfo info_;
  std::map<std::string, char> byte_of_;
};

}  // namespace facet

// Encodes piece by piece; pieces that were seen lately are not merged again.
#include "bpe.h"

#include <facet/error.h>

#include <functional>
#include <mutex>
#include <utility>

#include "byte_level.h"
#include "utf8.h"

namespace facet::layers {

namespace {

constexpr size_t kCachedPieces = 1 << 16;
constexpr size_t kCachedBytes = 64;  // longer pieces seldom come again

struct PieceHash {
  using is_transparent = void;
  size_t operator()(std::string_view piece) const { return std::hash<std::string_view>()(piece); }
};

std::string hexadecimal(char byte) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  return std::string("0x") + kDigits[value >> 4] + kDigits[value & 15];
}

}  // namespace

/// What encoding remembers from piece to piece. One thread at a time has the tokenizer's own;
/// others begin with an empty one.
struct Bpe::Cache {
  std::mutex busy;
  std::unordered_map<std::string, std::vector<int32_t>, PieceHash, std::equal_to<>> pieces;
  Merges::Scratch scratch;
  std::vector<int32_t> ids;
};

Bpe::Bpe(BpeParts parts)
    : tokens_(std::move(parts.tokens)),
      special_(tokens_.size(), 0),
      merges_(parts.merges),
      added_(parts.added),
      pre_tokenizer_(std::move(parts.pre_tokenizer)),
      ignore_merges_(parts.ignore_merges),
      begin_(std::move(parts.begin)),
      end_(std::move(parts.end)),
      cache_(std::make_unique<Cache>()) {
  id_of_.reserve(tokens_.size());
  for (size_t i = 0; i < tokens_.size(); ++i) id_of_.emplace(tokens_[i], static_cast<int32_t>(i));
  for (size_t byte = 0; byte < letter_.size(); ++byte)
    letter_[byte] =
        static_cast<int32_t>(id_of(byte_letters(std::string(1, static_cast<char>(byte)))));
  for (const AddedToken& token : parts.added)
    special_[static_cast<size_t>(token.id)] = token.special;
}

Bpe::~Bpe() = default;
Bpe::Bpe(Bpe&&) noexcept = default;
Bpe& Bpe::operator=(Bpe&&) noexcept = default;

std::vector<int64_t> Bpe::encode(std::string_view text, const std::string& where) const {
  if (const size_t at = broken_utf8_at(text); at != std::string_view::npos)
    throw UserError(where + ": byte " + std::to_string(at) + " is " + hexadecimal(text[at]) +
                    ": not valid UTF-8");
  std::unique_lock<std::mutex> owned(cache_->busy, std::try_to_lock);
  Cache empty;
  Cache& cache = owned ? *cache_ : empty;
  std::vector<int64_t> out;
  const auto on_piece = [&](std::string_view piece) { encode_piece(piece, cache, out); };
  added_.split(
      text, [&](std::string_view between) { pre_tokenizer_.split(between, on_piece); },
      [&](int64_t id) { out.push_back(id); });
  return out;
}

void Bpe::encode_piece(std::string_view piece, Cache& cache, std::vector<int64_t>& out) const {
  const auto seen = cache.pieces.find(piece);
  if (seen != cache.pieces.end()) {
    out.insert(out.end(), seen->second.begin(), seen->second.end());
    return;
  }
  std::vector<int32_t>& ids = cache.ids;
  ids.clear();
  const int64_t whole = ignore_merges_ ? id_of(byte_letters(piece)) : -1;
  if (whole >= 0) {
    ids.push_back(static_cast<int32_t>(whole));
  } else {
    for (const char byte : piece)
      if (const int32_t id = letter_[static_cast<unsigned char>(byte)]; id >= 0) ids.push_back(id);
    merges_.apply(ids, cache.scratch);
  }
  out.insert(out.end(), ids.begin(), ids.end());
  if (piece.size() > kCachedBytes) return;
  if (cache.pieces.size() >= kCachedPieces) cache.pieces.clear();
  cache.pieces.emplace(piece, ids);
}

std::string Bpe::decode(std::span<const int64_t> ids, const std::string& where) const {
  std::string bytes;
  for (const int64_t id : ids) {
    if (id < 0 || id >= vocabulary())
      throw UserError(where + ": id " + std::to_string(id) + ": not in the vocabulary of " +
                      std::to_string(vocabulary()) + " tokens");
    bytes += bytes_of_letters(raw(id));
  }
  return without_broken_utf8(bytes);
}

const std::string& Bpe::raw(int64_t id) const {
  FACET_ASSERT(id >= 0 && id < vocabulary(), "id " + std::to_string(id) + " is no token");
  return tokens_[static_cast<size_t>(id)];
}

int64_t Bpe::id_of(const std::string& raw) const {
  const auto found = id_of_.find(raw);
  return found == id_of_.end() ? -1 : found->second;
}

bool Bpe::special(int64_t id) const {
  return id >= 0 && id < vocabulary() && special_[static_cast<size_t>(id)];
}

}  // namespace facet::layers

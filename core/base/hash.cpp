// SHA-256 through OpenSSL; the only file that sees it.
#include "base/hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "facet/error.h"

namespace facet {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  FACET_ASSERT(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1, "no sha256");
}
Sha256::~Sha256() = default;

Sha256& Sha256::add(const void* bytes, size_t size) {
  EVP_DigestUpdate(state_->context, bytes, size);
  return *this;
}

std::string Sha256::hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(state_->context, digest, &size);
  static const char* digits = "0123456789abcdef";
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

std::string sha256(const std::string& bytes) { return Sha256().add(bytes).hex(); }

namespace {

std::string file_digest(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw UserError(file.string() + ": cannot read: " + std::strerror(errno));
  Sha256 hash;
  std::vector<char> block(1 << 20);
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0)
    hash.add(block.data(), static_cast<size_t>(in.gcount()));
  if (in.bad()) throw UserError(file.string() + ": cannot read: " + std::strerror(errno));
  return hash.hex();
}

}  // namespace

std::string sha256_path(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return file_digest(path);
  std::vector<std::string> lines;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
    if (entry.is_regular_file())
      lines.push_back(entry.path().lexically_relative(path).generic_string() + " " +
                      file_digest(entry.path()));
  std::sort(lines.begin(), lines.end());
  Sha256 hash;
  for (const std::string& line : lines) hash.add(line + "\n");
  return hash.hex();
}

}  // namespace facet

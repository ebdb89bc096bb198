//! A host without fast paths.

pub(in crate::crypto) fn aes_encrypt_last(_: u128) -> Option<u128> {
    None
}
pub(in crate::crypto) fn aes_decrypt_last(_: u128) -> Option<u128> {
    None
}
pub(in crate::crypto) fn aes_mix_columns(_: u128) -> Option<u128> {
    None
}
pub(in crate::crypto) fn aes_inverse_mix_columns(_: u128) -> Option<u128> {
    None
}
pub(in crate::crypto) fn aes_three_rounds(_: u128, _: u128, _: &[u128; 3]) -> Option<u128> {
    None
}
pub(in crate::crypto) fn sha1_rounds<const F: i32>(_: u128, _: u32, _: u128) -> Option<u128> {
    None
}
pub(in crate::crypto) fn sha256_rounds(_: u128, _: u128, _: u128) -> Option<(u128, u128)> {
    None
}
pub(in crate::crypto) fn carryless_multiply(_: u64, _: u64) -> Option<u128> {
    None
}
pub(in crate::crypto) fn crc32c(_: u32, _: u64, _: u32) -> Option<u32> {
    None
}

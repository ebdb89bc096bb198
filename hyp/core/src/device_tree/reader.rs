//! Reads a tree token by token, checking everything on the way.

use super::TreeError;
use crate::address::PaRange;

/// The deepest nesting that is accepted.
pub const MAX_DEPTH: usize = 32;
/// The largest tree (the arm64 boot protocol).
const MAX_BYTES: u32 = 2 << 20;
const MAGIC: u32 = 0xd00d_feed;

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

/// A tree whose header and structure are sound.
#[derive(Clone, Copy, Debug)]
pub struct Blob<'a> {
    pub(super) structure: &'a [u8],
    pub(super) strings: &'a [u8],
    /// Pairs of address and size, big-endian, without the pair of zeros that ends them.
    pub(super) reservations: &'a [u8],
    pub(super) boot_cpu: u32,
    bytes: usize,
}

/// One piece of the structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// A node begins.
    Begin(&'a [u8]),
    /// A property of the node that began last.
    Property {
        /// Its name.
        name: &'a [u8],
        /// Where the name is in the strings.
        name_offset: u32,
        /// Its value.
        value: &'a [u8],
    },
    /// A node ends.
    End,
}

/// Iterates over tokens; ends after an error.
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    left: &'a [u8],
    strings: &'a [u8],
    depth: usize,
    is_done: bool,
}

/// The big-endian number at an offset.
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    word.try_into().ok().map(u32::from_be_bytes)
}

/// The size that the header at the start of `bytes` (at least 8) claims.
///
/// # Errors
/// `Magic`, or `Bounds` if it is larger than the boot protocol allows.
pub fn total_bytes(bytes: &[u8]) -> Result<u32, TreeError> {
    if be32(bytes, 0) != Some(MAGIC) {
        return Err(TreeError::Magic);
    }
    be32(bytes, 4).filter(|total| (40..=MAX_BYTES).contains(total)).ok_or(TreeError::Bounds)
}

impl<'a> Blob<'a> {
    /// Checks a tree: header, blocks, every token and every name.
    ///
    /// # Errors
    /// [`TreeError`]
    pub fn new(bytes: &'a [u8]) -> Result<Blob<'a>, TreeError> {
        let total = total_bytes(bytes)? as usize;
        let bytes = bytes.get(..total).ok_or(TreeError::Bounds)?;
        let header = |n: usize| be32(bytes, n * 4).ok_or(TreeError::Bounds);
        let (version, compatible) = (header(5)?, header(6)?);
        if version < 17 || compatible > 17 {
            return Err(TreeError::Version);
        }
        let block = |start: u32, size: u32| {
            let start = start as usize;
            start.checked_add(size as usize).and_then(|end| bytes.get(start..end)).ok_or(TreeError::Bounds)
        };
        if header(2)? % 4 != 0 || header(4)? % 8 != 0 {
            return Err(TreeError::Bounds);
        }
        let structure = block(header(2)?, header(9)?)?;
        let strings = block(header(3)?, header(8)?)?;
        let reservations = bytes.get(header(4)? as usize..).ok_or(TreeError::Bounds)?;
        let end = reservations
            .chunks_exact(16)
            .position(|pair| pair.iter().all(|b| *b == 0))
            .ok_or(TreeError::Bounds)?;
        let reservations = reservations.get(..end * 16).ok_or(TreeError::Bounds)?;
        let blob = Blob { structure, strings, reservations, boot_cpu: header(7)?, bytes: total };
        for token in blob.tokens() {
            token?;
        }
        Ok(blob)
    }

    /// The size of the whole tree.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The reservation block; nothing where a range does not fit into 64 bits.
    pub fn reservations(&self) -> impl Iterator<Item = Option<PaRange>> + 'a {
        let number = |b: &[u8]| b.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        self.reservations.chunks_exact(16).map(move |pair| {
            let (start, bytes) = pair.split_at_checked(8)?;
            PaRange::sized(number(start), number(bytes))
        })
    }

    /// All tokens, from the beginning of the root to its end.
    #[must_use]
    pub fn tokens(&self) -> Tokens<'a> {
        Tokens { left: self.structure, strings: self.strings, depth: 0, is_done: false }
    }
}

impl<'a> Tokens<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], TreeError> {
        let (head, rest) = self.left.split_at_checked(count).ok_or(TreeError::Structure)?;
        self.left = rest;
        Ok(head)
    }

    fn word(&mut self) -> Result<u32, TreeError> {
        be32(self.take(4)?, 0).ok_or(TreeError::Structure)
    }

    /// Takes bytes and what pads them to the next token.
    fn padded(&mut self, count: usize) -> Result<&'a [u8], TreeError> {
        let bytes = self.take(count)?;
        self.take(count.wrapping_neg() % 4)?;
        Ok(bytes)
    }

    fn advance(&mut self) -> Result<Option<Token<'a>>, TreeError> {
        let mut token = self.word()?;
        while token == NOP {
            token = self.word()?;
        }
        match token {
            BEGIN_NODE => {
                let length = self.left.iter().position(|b| *b == 0).ok_or(TreeError::Structure)?;
                let name = self.padded(length + 1)?;
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(TreeError::Depth);
                }
                Ok(Some(Token::Begin(name.get(..length).ok_or(TreeError::Structure)?)))
            }
            PROPERTY if self.depth > 0 => {
                let length = self.word()? as usize;
                let name_offset = self.word()?;
                let value = self.padded(length)?;
                let name = self.strings.get(name_offset as usize..).ok_or(TreeError::Strings)?;
                let end = name.iter().position(|b| *b == 0).ok_or(TreeError::Strings)?;
                let name = name.get(..end).ok_or(TreeError::Strings)?;
                Ok(Some(Token::Property { name, name_offset, value }))
            }
            END_NODE if self.depth > 0 => {
                self.depth -= 1;
                // One root, and nothing behind it.
                if self.depth == 0 && self.word()? != END {
                    return Err(TreeError::Structure);
                }
                self.is_done = self.depth == 0;
                Ok(Some(Token::End))
            }
            _ => Err(TreeError::Structure),
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Result<Token<'a>, TreeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let token = self.advance();
        self.is_done |= token.is_err();
        token.transpose()
    }
}

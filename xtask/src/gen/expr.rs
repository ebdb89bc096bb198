//! Conditions of the fact tables: parsing, folding, and printing as Rust constants.

use std::fmt::Write;

/// A parsed condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    Const(bool),
    Atom(String),
    Not(Box<Expr>),
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Implies(Box<Expr>, Box<Expr>),
    Iff(Box<Expr>, Box<Expr>),
}

impl Expr {
    /// Parses `text`; both `&`, `|` and `&&`, `||` are accepted.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut p = Parser { text: text.as_bytes(), at: 0 };
        let e = p.implication().map_err(|e| format!("{e} in {text:?}"))?;
        p.skip();
        if p.at == p.text.len() { Ok(e) } else { Err(format!("unexpected text at {} of {text:?}", p.at)) }
    }

    /// Replaces every atom by what `f` makes of it, and simplifies.
    pub(super) fn map(&self, f: &impl Fn(&str) -> Result<Expr, String>) -> Result<Self, String> {
        Ok(match self {
            Self::Const(c) => Self::Const(*c),
            Self::Atom(a) => f(a)?,
            Self::Not(e) => e.map(f)?.negated(),
            Self::All(list) => Self::all(list.iter().map(|e| e.map(f)).collect::<Result<_, _>>()?),
            Self::Any(list) => Self::any(list.iter().map(|e| e.map(f)).collect::<Result<_, _>>()?),
            Self::Implies(a, b) => Self::Implies(Box::new(a.map(f)?), Box::new(b.map(f)?)),
            Self::Iff(a, b) => Self::Iff(Box::new(a.map(f)?), Box::new(b.map(f)?)),
        })
    }

    pub(super) fn negated(self) -> Self {
        match self {
            Self::Const(c) => Self::Const(!c),
            Self::Not(e) => *e,
            e => Self::Not(Box::new(e)),
        }
    }

    pub(super) fn all(list: Vec<Self>) -> Self {
        Self::many(list, true)
    }

    pub(super) fn any(list: Vec<Self>) -> Self {
        Self::many(list, false)
    }

    fn many(list: Vec<Self>, neutral: bool) -> Self {
        let mut out = Vec::new();
        for e in list {
            match e {
                Self::Const(c) if c == neutral => {}
                Self::Const(c) => return Self::Const(c),
                Self::All(inner) if neutral => out.extend(inner),
                Self::Any(inner) if !neutral => out.extend(inner),
                e => out.push(e),
            }
        }
        out.dedup();
        match out.len() {
            0 => Self::Const(neutral),
            1 => out.remove(0),
            _ if neutral => Self::All(out),
            _ => Self::Any(out),
        }
    }

    /// Prints a `droste_arch::expr::Expr`; an atom must already be Rust text.
    pub(super) fn rust(&self, out: &mut String) -> Result<(), String> {
        let list = |name: &str, list: &[Self], out: &mut String| -> Result<(), String> {
            write!(out, "{name}(&[").map_err(|e| e.to_string())?;
            for e in list {
                e.rust(out)?;
                out.push(',');
            }
            out.push_str("])");
            Ok(())
        };
        match self {
            Self::Const(c) => write!(out, "Const({c})").map_err(|e| e.to_string()),
            Self::Atom(a) => {
                out.push_str(a);
                Ok(())
            }
            Self::Not(e) => {
                out.push_str("Not(&");
                e.rust(out)?;
                out.push(')');
                Ok(())
            }
            Self::All(l) => list("All", l, out),
            Self::Any(l) => list("Any", l, out),
            Self::Implies(..) | Self::Iff(..) => Err(format!("implication inside a condition: {self:?}")),
        }
    }

    /// [`Expr::rust`] as a string.
    pub(super) fn to_rust(&self) -> Result<String, String> {
        let mut out = String::new();
        self.rust(&mut out)?;
        Ok(out)
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn skip(&mut self) {
        while self.text.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip();
        let found = self.text[self.at..].starts_with(token.as_bytes());
        if found {
            self.at += token.len();
        }
        found
    }

    fn implication(&mut self) -> Result<Expr, String> {
        let left = self.any()?;
        if self.eat("-->") {
            Ok(Expr::Implies(Box::new(left), Box::new(self.implication()?)))
        } else if self.eat("<->") {
            Ok(Expr::Iff(Box::new(left), Box::new(self.implication()?)))
        } else {
            Ok(left)
        }
    }

    fn any(&mut self) -> Result<Expr, String> {
        let mut list = vec![self.all()?];
        while self.eat("||") || self.eat("|") {
            list.push(self.all()?);
        }
        Ok(if list.len() == 1 { list.remove(0) } else { Expr::Any(list) })
    }

    fn all(&mut self) -> Result<Expr, String> {
        let mut list = vec![self.unary()?];
        while self.eat("&&") || self.eat("&") {
            list.push(self.unary()?);
        }
        Ok(if list.len() == 1 { list.remove(0) } else { Expr::All(list) })
    }

    fn unary(&mut self) -> Result<Expr, String> {
        if self.eat("!") {
            return Ok(Expr::Not(Box::new(self.unary()?)));
        }
        if self.eat("(") {
            let e = self.implication()?;
            return if self.eat(")") { Ok(e) } else { Err(format!("no ) at {}", self.at)) };
        }
        let atom = self.atom();
        match atom.as_str() {
            "" => Err(format!("nothing at {}", self.at)),
            "always" | "true" => Ok(Expr::Const(true)),
            _ => Ok(Expr::Atom(atom)),
        }
    }

    /// An atom goes on to the next operator outside its own parentheses.
    fn atom(&mut self) -> String {
        self.skip();
        let from = self.at;
        let mut depth = 0;
        while let Some(&c) = self.text.get(self.at) {
            let rest = &self.text[self.at..];
            match c {
                b'(' => depth += 1,
                b')' if depth == 0 => break,
                b')' => depth -= 1,
                b'&' | b'|' if depth == 0 => break,
                b' ' if depth == 0 && (rest.starts_with(b" -->") || rest.starts_with(b" <->")) => break,
                _ => {}
            }
            self.at += 1;
        }
        String::from_utf8_lossy(&self.text[from..self.at]).trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_function_call_in_atom_keeps_it_whole() {
        let e = Expr::parse("m>=f(A & B) & !(X=1 | Y)").unwrap();
        let atom = |s: &str| Expr::Atom(s.to_owned());
        let not = Expr::Not(Box::new(Expr::Any(vec![atom("X=1"), atom("Y")])));
        assert_eq!(e, Expr::All(vec![atom("m>=f(A & B)"), not]));
    }

    #[test]
    fn map_false_operand_folds_conjunction() {
        let e = Expr::parse("A & B").unwrap();
        assert_eq!(e.map(&|a| Ok(Expr::Const(a == "A"))), Ok(Expr::Const(false)));
    }
}

//! Numbers that know their formula, so that a printed formula is the one that was computed.

use std::ops::{Add, Div, Mul, Sub};

/// How tightly the outermost operation of a formula binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Sum,
    Product,
    Atom,
}

/// A number and the formula that made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    value: f64,
    formula: String,
    binding: Binding,
}

impl Term {
    /// Returns a number with a name. Formulas that use it display the name.
    pub fn named(name: &str, value: f64) -> Self {
        Self { value, formula: name.to_owned(), binding: Binding::Atom }
    }

    /// Returns its value.
    pub const fn value(&self) -> f64 {
        self.value
    }

    /// Returns its formula.
    pub fn formula(&self) -> &str {
        &self.formula
    }

    /// Rounds up to a whole number.
    #[must_use]
    pub fn ceil(self) -> Self {
        Self::call("ceil", &[&self], self.value.ceil())
    }

    /// Returns the larger one.
    #[must_use]
    pub fn max(self, other: impl Into<Self>) -> Self {
        let other = other.into();
        Self::call("max", &[&self, &other], self.value.max(other.value))
    }

    /// Returns the value of a named function of these terms.
    pub fn call(function: &str, arguments: &[&Self], value: f64) -> Self {
        let arguments: Vec<_> = arguments.iter().map(|one| one.formula.as_str()).collect();
        Self {
            value,
            formula: format!("{function}({})", arguments.join(", ")),
            binding: Binding::Atom,
        }
    }

    /// Returns the formula, in parentheses if it binds less tightly than `around`.
    fn within(&self, around: Binding) -> String {
        if self.binding < around { format!("({})", self.formula) } else { self.formula.clone() }
    }

    fn join(&self, sign: &str, right: &Self, bindings: (Binding, Binding), value: f64) -> Self {
        let (own, of_right) = bindings;
        let formula = format!("{} {sign} {}", self.within(own), right.within(of_right));
        Self { value, formula, binding: own }
    }
}

impl From<&Self> for Term {
    fn from(term: &Self) -> Self {
        term.clone()
    }
}

impl From<f64> for Term {
    fn from(value: f64) -> Self {
        Self::named(&number(value), value)
    }
}

macro_rules! operators {
    ($($operator:ident $method:ident $sign:literal $own:ident $right:ident;)+) => {$(
        impl<T: Into<Term>> $operator<T> for &Term {
            type Output = Term;

            fn $method(self, right: T) -> Term {
                let right = right.into();
                let value = self.value.$method(right.value);
                self.join($sign, &right, (Binding::$own, Binding::$right), value)
            }
        }

        impl<T: Into<Term>> $operator<T> for Term {
            type Output = Term;

            fn $method(self, right: T) -> Term {
                (&self).$method(right)
            }
        }
    )+};
}

operators! {
    Add add "+" Sum Sum;
    Sub sub "−" Sum Product;
    Mul mul "×" Product Product;
    Div div "÷" Product Atom;
}

/// Formats a number: grouped digits for large ones, three significant digits for small ones.
pub fn number(value: f64) -> String {
    if value.abs() >= 100.0 || value.fract() == 0.0 {
        return grouped(&format!("{value:.0}"));
    }
    let decimals = if value.abs() >= 10.0 {
        1
    } else if value.abs() >= 1.0 {
        2
    } else {
        4
    };
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Separates groups of three digits by commas.
fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let mut text = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, value: f64) -> Term {
        Term::named(name, value)
    }

    #[test]
    fn formula_has_parentheses_only_where_they_matter() {
        let (a, b, c) = (named("a", 2.0), named("b", 3.0), named("c", 4.0));
        for (term, formula, value) in [
            (&a + &b * &c, "a + b × c", 14.0),
            ((&a + &b) * &c, "(a + b) × c", 20.0),
            (&a - (&b - &c), "a − (b − c)", 3.0),
            (&a / (&b * &c), "a ÷ (b × c)", 2.0 / 12.0),
            (&a * &b / &c, "a × b ÷ c", 1.5),
            (&a * 1_000.0, "a × 1,000", 2_000.0),
            ((&a / &b).ceil().max(&c), "max(ceil(a ÷ b), c)", 4.0),
        ] {
            assert_eq!(term.formula(), formula);
            assert!((term.value() - value).abs() < 1e-12, "{formula}: {}", term.value());
        }
    }

    #[test]
    fn numbers_are_short_and_grouped() {
        for (value, text) in [
            (0.0, "0"),
            (250_000_000.0, "250,000,000"),
            (-1_234.4, "-1,234"),
            (12.34, "12.3"),
            (4.561, "4.56"),
            (0.25, "0.25"),
            (0.5, "0.5"),
            (0.000_04, "0"),
        ] {
            assert_eq!(number(value), text, "{value}");
        }
    }
}

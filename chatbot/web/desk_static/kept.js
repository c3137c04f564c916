// What must outlive a reload or a new login, kept for this tab alone.

export function keep(name, value) {
  try {
    if (value === null) sessionStorage.removeItem(`desk-${name}`);
    else sessionStorage.setItem(`desk-${name}`, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing still lets its agent work.
  }
}

export function kept(name) {
  try {
    return JSON.parse(sessionStorage.getItem(`desk-${name}`));
  } catch {
    return null;
  }
}

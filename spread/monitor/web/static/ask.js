// Questions to the page's server.

/** Return the answer as an object; what went wrong stands in its `error`. */
export async function ask(address) {
  try {
    const response = await fetch(address, { headers: { accept: "application/json" } });
    return await response.json();
  } catch {
    return { error: "The page's server does not answer." };
  }
}

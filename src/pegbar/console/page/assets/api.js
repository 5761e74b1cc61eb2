// Talks to the server. The page may stand at /console or, behind a proxy that passes on /api alone, at /api/console.

const ROOT = new URL(".", document.baseURI);

export class Failure extends Error {
  constructor(status, body) {
    super((body.message || `The server answered ${status}.`).replace(/^\d{3} [A-Z][A-Za-z ]+: /, ""));
    this.status = status;
    this.body = body;
  }
}

async function once(method, path, body) {
  let answer;
  try {
    answer = await fetch(new URL(path, ROOT), {
      method,
      credentials: "same-origin",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Failure(0, { message: "The server does not answer." });
  }
  const text = await answer.text();
  let said = {};
  try {
    said = text ? JSON.parse(text) : {};
  } catch {
    if (answer.ok) throw new Failure(answer.status, { message: "Something else than the server answered." });
  }
  if (!answer.ok) throw new Failure(answer.status, said && typeof said === "object" ? said : {});
  return said;
}

// An access token lasts a week: after that the session is asked for another, once.
export async function call(method, path, body) {
  try {
    return await once(method, path, body);
  } catch (failure) {
    if (failure.status !== 401 || path.startsWith("auth/")) throw failure;
    try {
      await once("GET", "auth/refresh-token");
    } catch {
      throw failure;
    }
    return once(method, path, body);
  }
}

export const get = (path, query = {}) => {
  const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined));
  return call("GET", asked.size ? `${path}?${asked}` : path);
};
export const post = (path, body) => call("POST", path, body);
export const remove = (path) => call("DELETE", path);

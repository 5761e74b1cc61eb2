// The form to sign in: e-mail and password, then a second factor for whoever has one.

import { get, post } from "./api.js";
import { button, choice, element } from "./dom.js";

const FACTORS = {
  totp: "Code of the authenticator",
  email_otp: "Code by e-mail",
  fido: "Security key",
  recovery_code: "Recovery code",
};

function field(label, attributes) {
  const input = element("input", { required: true, ...attributes });
  return [input, element("label", { class: "field" }, label, input)];
}

// A form that says what is wrong beneath its fields, and is busy while it is sent.
function form(title, children, label, send) {
  const wrong = element("p", { class: "wrong", role: "alert" });
  const go = element("button", { class: "main" }, label);
  const made = element("form", { class: "card sign-in", onsubmit: async (event) => {
    event.preventDefault();
    go.disabled = true;
    wrong.textContent = "";
    try {
      await send();
    } catch (failure) {
      wrong.textContent = failure.message;
    } finally {
      go.disabled = false;
    }
  } }, element("h1", { tabindex: "-1" }, title), ...children, wrong, element("p", {}, go));
  return made;
}

async function elsewhere() {
  const { sign_on: providers = [] } = await get("config");
  return providers.map(({ name, url }) => element("p", {}, element("a", { href: url }, `Sign in with ${name}`)));
}

export function signIn(place, done, note = "") {
  const [email, emailField] = field("E-mail or login", { name: "email", autocomplete: "username" });
  const [password, passwordField] = field("Password", { name: "password", type: "password", autocomplete: "current-password" });
  const others = element("div");
  elsewhere().then((links) => others.replaceChildren(...links)).catch(() => {});
  const made = form("Sign in", [note && element("p", {}, note), emailField, passwordField], "Sign in", async () => {
    const who = { email: email.value.trim(), password: password.value };
    try {
      accepted(await post("auth/login", who), done);
    } catch (failure) {
      if (!failure.body?.missing_OTP) throw failure;
      secondFactor(place, who, failure.body, done);
    }
  });
  made.append(others);
  place.replaceChildren(made);
  email.focus();
}

function accepted(answer, done) {
  if (answer.two_factor_authentication_required) {
    throw new Error("Your studio wants a second factor of you: set one up in the web UI first.");
  }
  return done();
}

function secondFactor(place, who, needed, done) {
  const enabled = needed.two_factor_authentication_enabled.filter((name) => name in FACTORS);
  let factor = enabled.includes(needed.preferred_two_factor_authentication) ? needed.preferred_two_factor_authentication : enabled[0];
  const [code, codeField] = field("Code", { name: "code", autocomplete: "one-time-code" });
  const sent = element("span", { role: "status" });
  const mailed = element("p", {}, button("Mail me a code", async () => {
    try {
      await get("auth/email-otp", { email: who.email });
      sent.textContent = " It is on its way.";
    } catch (failure) {
      sent.textContent = ` ${failure.message}`;
    }
  }), sent);
  const show = () => {
    codeField.hidden = factor === "fido";
    code.required = factor !== "fido";
    mailed.hidden = factor !== "email_otp";
  };
  const kinds = choice("With", enabled.map((name) => [name, FACTORS[name]]), factor, (name) => { factor = name; show(); });
  place.replaceChildren(form("Second factor", [kinds, codeField, mailed], "Continue", async () => {
    const proof = factor === "fido" ? { fido_authentication_response: await signedByKey(who.email) } : { [factor]: code.value.trim() };
    accepted(await post("auth/login", { ...who, ...proof }), done);
  }));
  show();
  code.focus();
}

async function signedByKey(email) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) throw new Error("This browser cannot use security keys here.");
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(await get("auth/fido", { email }));
  const credential = await navigator.credentials.get({ publicKey: options });
  return credential.toJSON();
}

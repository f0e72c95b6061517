// Turbo, which takes links and forms over. The page of a call has it only once the call stands: see call_first.ts.
import * as Turbo from "@hotwired/turbo";

// Turbo's own progress bar needs a <style>, which the content security policy forbids; shell.css draws ours.
Turbo.config.drive.progressBarDelay = 2 ** 31 - 1;

// The whole page breaks a frame's look off, and what was being read of it throws where nobody hears of it.
addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof DOMException && event.reason.name === "AbortError") event.preventDefault();
});

// It hears of the page's arrival by this event alone, which is over where it comes late.
if (document.readyState === "complete") document.dispatchEvent(new Event("readystatechange"));

// What all pages have in common, once for all that follow (RFC 9842). Who does not know the link's kind ignores it.
const { dictionary } = document.documentElement.dataset;
if (dictionary) {
  const link = document.createElement("link");
  link.rel = "compression-dictionary";
  link.href = dictionary;
  document.head.append(link);
}

// The page of a call has the styles of the others now, where it names them: before room.css, as everywhere.
for (const link of document.querySelectorAll("link[rel=later]")) link.setAttribute("rel", "stylesheet");

export const visit = Turbo.visit;

// Texts that run code in a page that treats them as HTML, as an address or as a script.

const RUN = "window.__pwned=1";

/** Each is short enough for a name. */
export const BASES = [
  `<script>${RUN}</script>`,
  `<ScRiPt>${RUN}</sCrIpT>`,
  `<script src=//127.0.0.1:1/x.js></script>`,
  `<script/x>${RUN}</script>`,
  `</script><script>${RUN}</script>`,
  `"><script>${RUN}</script>`,
  `'><script>${RUN}</script>`,
  `--><script>${RUN}</script>`,
  `]]><script>${RUN}</script>`,
  `</title><script>${RUN}</script>`,
  `</textarea><script>${RUN}</script>`,
  `<<script>${RUN}//<</script>`,
  `<img src=x onerror=${RUN}>`,
  `<img src=x onerror="${RUN}">`,
  `<img/src=x/onerror=${RUN}>`,
  `<img src="x" onerror='${RUN}' /`,
  `"><img src=x onerror=${RUN}>`,
  `<svg onload=${RUN}>`,
  `<svg><script>${RUN}</script></svg>`,
  `<svg><animate onbegin=${RUN} attributeName=x dur=1s>`,
  `<math><mtext><script>${RUN}</script></mtext></math>`,
  `<body onload=${RUN}>`,
  `<iframe src="javascript:parent.__pwned=1"></iframe>`,
  `<iframe srcdoc="<script>parent.__pwned=1</script>">`,
  `<object data="javascript:${RUN}">`,
  `<embed src="javascript:${RUN}">`,
  `<a href="javascript:${RUN}">x</a>`,
  `<a href=javas&#99;ript:${RUN}>x</a>`,
  `<form action=javascript:${RUN}><input type=submit>`,
  `<button autofocus onfocus=${RUN}>x`,
  `<input autofocus onfocus=${RUN}>`,
  `<details open ontoggle=${RUN}>`,
  `<video><source onerror=${RUN}></video>`,
  `<audio src=x onerror=${RUN}>`,
  `<marquee onstart=${RUN}>x</marquee>`,
  `<style>@import 'javascript:${RUN}';</style>`,
  `<style>*{background:url(javascript:${RUN})}</style>`,
  `<link rel=stylesheet href=javascript:${RUN}>`,
  `<meta http-equiv=refresh content="0;javascript:${RUN}">`,
  `<base href="javascript:${RUN}//">`,
  `<template><script>${RUN}</script></template>`,
  `<noscript><img src=x onerror=${RUN}></noscript>`,
  `<x onclick=${RUN}>click</x>`,
  `<p style="animation:x" onanimationstart=${RUN}>`,
  `&lt;script&gt;${RUN}&lt;/script&gt;`,
  `&#60;script&#62;${RUN}&#60;/script&#62;`,
  `\\u003cscript\\u003e${RUN}\\u003c/script\\u003e`,
  `%3Cscript%3E${RUN}%3C/script%3E`,
  `\${${RUN}}`,
  `{{constructor.constructor('${RUN}')()}}`,
  `<%= ${RUN} %>`,
  `";${RUN};//`,
  `';${RUN};//`,
  `\`;${RUN};//`,
  `__proto__`,
  `constructor`,
];

const ADDRESSES = [
  `javascript:${RUN}`,
  `JaVaScRiPt:${RUN}`,
  `java\tscript:${RUN}`,
  `\u0001javascript:${RUN}`,
  `javascript://example.com/%0a${RUN}`,
  `data:text/html,<script>opener.__pwned=1</script>`,
  `data:text/html;base64,PHNjcmlwdD5vcGVuZXIuX19wd25lZD0xPC9zY3JpcHQ+`,
  `vbscript:${RUN}`,
  `blob:${RUN}`,
  `file:///etc/passwd`,
  `https://example.com/"onmouseover="${RUN}`,
  `https://example.com/'onfocus='${RUN}`,
  `https://example.com/<script>${RUN}</script>`,
  `https://example.com@javascript:${RUN}`,
  `mailto:a@example.com?body=<script>${RUN}</script>`,
  `www.example.com/"><img src=x onerror=${RUN}>`,
];

const NAMES_OF_FILES = [
  `"><img src=x onerror=${RUN}>.png`,
  `'onerror='${RUN}'.jpg`,
  `<script>${RUN}</script>.html`,
  `photo\u202egnp.svg`,
  `../../<svg onload=${RUN}>.svg`,
];

const MARKUP = [
  (text) => text,
  (text) => `**${text}** _${text}_`,
  (text) => `> - \`${text}\``,
  (text) => `\`\`\`html\n${text}\n\`\`\``,
];
const LINKS = [(address) => address, (address) => `[link](${address})`, (address) => `<${address}>`, (address) => `![x](${address} "${address}")`];

/** All texts of messages: what is above, also inside of markup and links. */
export const TEXTS = [
  ...BASES.flatMap((text) => MARKUP.map((wrap) => wrap(text))),
  ...ADDRESSES.flatMap((address) => LINKS.map((wrap) => wrap(address))),
  ...NAMES_OF_FILES.flatMap((name) => [name, `[${name}](https://example.com/${name})`]),
];

"use strict";
document.getElementById("host").textContent = location.origin;

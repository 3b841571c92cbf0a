import{ma as r}from"./chunk.js";r();

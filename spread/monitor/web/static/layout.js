// Where rings and daemons stand in the drawing: numbers only, no elements.

const MANY = 9;
const MANY_NARROW = 5;
const NODE = 24;
const NODE_SMALL = 14;
const LABEL_WIDTH = 84;
const LABEL_HEIGHT = 42;
const LABEL_LINE = 15;
const LETTER = 7.8;
const LETTERS_MAX = 14;
const MARGIN = 10;

/** The least radius whose middle has room for its words between the nodes. */
export const ROOMY = 84;

/**
 * Return { width, height, tracks, nodes } for rings (lists of names) and names outside of them.
 *
 * A track is { x, y, r, ring }. A node is { x, y, angle, r, ring, label, anchor, below }. Its label
 * stands "beside" it, or above or below it where the drawing is narrow ("stacked"); it runs outwards
 * where many stand on the ring ("radial"), and is left out where there is no room for it ("bare").
 */
export function arrange(rings, outside, width) {
  const total = rings.reduce((sum, members) => sum + members.length, 0);
  const blocks = rings.map((members, ring) => ringBlock(members, ring, width, members.length / total));
  blocks.push(...outside.map((name) => block([name], null, 0)));
  const tracks = [];
  const nodes = new Map();
  let top = 0;
  for (const row of inRows(blocks, width)) {
    const height = Math.max(...row.map((each) => each.bottom - each.top));
    const used = row.reduce((sum, each) => sum + each.right - each.left, 0);
    const gap = (width - used) / (row.length + 1);
    let left = gap;
    for (const each of row) {
      const free = height - (each.bottom - each.top);
      place(each, left - each.left, top + free / 2 - each.top, tracks, nodes);
      left += each.right - each.left + gap;
    }
    top += height;
  }
  return { width, height: Math.max(top, 160), tracks, nodes };
}

function ringBlock(members, ring, width, share) {
  const count = members.length;
  const shape = shapeOf(members, width / 2 - MARGIN);
  const isSmall = shape.label === "radial" || shape.label === "bare";
  const crowded = (count * (isSmall ? 2 * NODE_SMALL + 6 : 2 * NODE + 10)) / (2 * Math.PI);
  const r = Math.min(Math.max(40, shape.fitting), 250, Math.max(wanted(count, share), crowded));
  return block(members, ring, count === 1 ? 38 : r, shape);
}

/** Say how labels stand, and which radius fits with them into half the width. */
function shapeOf(members, half) {
  const count = members.length;
  if (count < 3) return { label: "beside", fitting: half - NODE };
  const beside = half - LABEL_WIDTH - NODE;
  if (count <= MANY && beside > ROOMY) return { label: "beside", fitting: beside };
  if (count <= MANY_NARROW) return { label: "stacked", fitting: half - LABEL_WIDTH * 0.66 };
  const length = LETTER * Math.min(LETTERS_MAX, Math.max(...members.map((name) => name.length))) + 8;
  const fitting = half - NODE_SMALL - length;
  const isReadable = 2 * Math.PI * (fitting + NODE_SMALL) > count * LABEL_LINE;
  return isReadable ? { label: "radial", fitting, length } : { label: "bare", fitting: half - NODE_SMALL };
}

/** The radius that looks right: a ring that shares the drawing is smaller. */
function wanted(count, share) {
  return (count === 2 ? 110 : 150) * (share < 1 ? 0.3 + 0.5 * share : 1);
}

/** Return a ring around its own middle, with the room that it takes together with its labels. */
function block(members, ring, r, shape = { label: "beside" }) {
  const count = members.length;
  const isSmall = shape.label === "radial" || shape.label === "bare";
  const size = count === 1 ? NODE : Math.min(isSmall ? NODE_SMALL : NODE, (r * Math.PI) / count - 2);
  const nodes = members.map((name, index) => {
    const angle = -Math.PI / 2 + (2 * Math.PI * index) / count;
    const side = count === 1 || shape.label !== "beside" ? 0 : Math.cos(angle);
    return {
      name, angle, ring, r: size, label: shape.label, length: shape.length ?? 0,
      ...labelSide(side, angle, ring), x: r * Math.cos(angle), y: r * Math.sin(angle),
    };
  });
  const rooms = nodes.map(room);
  const least = (pick) => Math.min(...rooms.map(pick), -r) - MARGIN;
  const most = (pick) => Math.max(...rooms.map(pick), r) + MARGIN;
  return {
    nodes, ring, r, count,
    left: least((each) => each[0]), right: most((each) => each[1]),
    top: least((each) => each[2]), bottom: most((each) => each[3]),
  };
}

/** Say where a label stands: beside its node where the ring bends away, else above or below. */
function labelSide(side, angle, ring) {
  if (side > 0.35) return { anchor: "start", below: false };
  if (side < -0.35) return { anchor: "end", below: false };
  return { anchor: "middle", below: ring === null || Math.sin(angle) > 0 };
}

/** Return [left, right, top, bottom] of a node with its label. */
function room(node) {
  const { x, y, r } = node;
  if (node.label === "radial" || node.label === "bare") {
    const far = r + node.length;
    return [x + Math.min(-r, far * Math.cos(node.angle)), x + Math.max(r, far * Math.cos(node.angle)),
      y + Math.min(-r, far * Math.sin(node.angle)), y + Math.max(r, far * Math.sin(node.angle))];
  }
  const isBeside = node.anchor !== "middle";
  const half = isBeside ? r : LABEL_WIDTH * 0.66;
  return [
    x - (node.anchor === "end" ? r + LABEL_WIDTH : half), x + (node.anchor === "start" ? r + LABEL_WIDTH : half),
    y - r - (isBeside || node.below ? 0 : LABEL_HEIGHT), y + r + (node.below ? LABEL_HEIGHT : 0),
  ];
}

function inRows(blocks, width) {
  const rows = [];
  let used = Infinity;
  for (const each of blocks) {
    const own = each.right - each.left;
    if (used + own > width) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1).push(each);
    used += own;
  }
  return rows;
}

function place(each, x, y, tracks, nodes) {
  if (each.ring !== null) tracks.push({ x, y, r: each.r, ring: each.ring, count: each.count });
  for (const node of each.nodes) nodes.set(node.name, { ...node, x: x + node.x, y: y + node.y });
}

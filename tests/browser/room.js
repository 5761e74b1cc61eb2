// A page that reviews a playlist with others, speaking Socket.IO as the web UI does.
const [playlist, user] = arguments;
document.body.innerHTML = '<canvas width="200" height="100" style="position: absolute; left: 0; top: 0"></canvas>' +
  '<p style="margin-top: 120px"><button>play</button> <b id="frame"></b> <i id="people"></i></p>';
const canvas = document.querySelector('canvas'), pen = canvas.getContext('2d'), button = document.querySelector('button');
const tab = crypto.randomUUID();
let sequence = 0, line = [];
let state = {is_playing: false, current_frame: 0, speed: 1, comparing: {enable: false}};

const socket = new WebSocket(`ws://${location.host}/socket.io/?EIO=4&transport=websocket`);
const send = (event, payload, ...more) =>
  socket.send('42/events,' + JSON.stringify([`preview-room:${event}`, {playlist_id: playlist, ...payload}, ...more]));
const show = () => {
  document.querySelector('#frame').textContent = state.current_frame;
  button.textContent = state.is_playing ? 'pause' : 'play';
};
const draw = points => {
  pen.lineWidth = 5;
  pen.beginPath();
  points.forEach(([x, y], n) => n ? pen.lineTo(x, y) : pen.moveTo(x, y));
  pen.stroke();
};
const play = () => {
  if (!state.is_playing) return;
  state.current_frame += 1;
  show();
  requestAnimationFrame(play);
};
const hear = {
  'preview-room:room-people-updated': ({people}) => document.querySelector('#people').textContent = people.join(' '),
  'preview-room:room-updated': sent => {
    if ((sent.local_id || '').startsWith(tab)) return;
    const started = sent.is_playing && !state.is_playing;
    state = {...state, is_playing: sent.is_playing, current_frame: sent.current_frame};
    show();
    if (started) requestAnimationFrame(play);
  },
  'preview-room:add-annotation': ({data}) => data.local_id.startsWith(tab) || draw(data.obj.points),
};
socket.onmessage = ({data}) => {
  if (data[0] === '0') socket.send('40/events,');
  else if (data === '2') socket.send('3');
  else if (data.startsWith('40/events,')) {
    send('open-playlist', {user_id: user});
    send('join', {user_id: user, local_id: `${tab}#0`, ...state});
  } else if (data.startsWith('42/events,')) {
    const [event, payload] = JSON.parse(data.slice(10));
    hear[event]?.(payload);
  }
};

canvas.onpointerdown = event => { line = [[event.offsetX, event.offsetY]]; };
canvas.onpointermove = event => { if (event.buttons) line.push([event.offsetX, event.offsetY]); };
canvas.onpointerup = () => {
  draw(line);
  send('add-annotation', {data: {local_id: tab, user_id: user, time: 0, obj: {id: crypto.randomUUID(), points: line}}});
};
button.onclick = () => {
  state.is_playing = !state.is_playing;
  show();
  send('room-updated', {...state, user_id: user, local_id: `${tab}#${++sequence}`});
  if (state.is_playing) requestAnimationFrame(play);
};
show();

# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for a clip: its action from the clip's name, directions and sides from its motion, many phrasings of each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..features import headings
from ..motion import Motion
from ..rotation import Array
from ..skeleton import INDEX, Skeleton

SUBJECTS = (
    "a person", "someone", "a man", "the man", "a woman", "the woman", "he", "she", "the character", "the speaker",
    "a figure", "this person",
)  # fmt: skip
HELD_OUT_SUBJECTS = ("the presenter", "a human", "the actor")

PHRASES: dict[str, tuple[str, ...]] = {
    "idle": (
        "stands still", "stands", "is standing still", "stands in place", "stands idle", "waits", "does nothing",
        "stands relaxed", "is waiting", "stands quietly", "remains standing", "rests on both feet", "idles",
        "stands there", "stands upright and breathes",
        "stands and looks ahead", "stays in place", "stands at ease", "is at rest on both feet", "keeps still",
        "stands with hanging arms", "stands calmly", "holds still and breathes", "just stands",
    ),
    "weight_shift": (
        "shifts the weight from one foot to the other", "shifts weight while standing", "changes the standing leg",
        "sways a little while standing", "stands and shifts from foot to foot",
        "leans from one leg to the other", "shifts from one leg to the other while standing",
    ),
    "walk": (
        "walks {direction}", "is walking {direction}", "walks {direction} at a normal pace", "strolls {direction}",
        "paces {direction}", "goes {direction} on foot", "steps along {direction}", "moves {direction} walking",
        "takes a walk {direction}", "keeps walking {direction}", "walks a few steps {direction}",
        "strides {direction}", "makes steps {direction}", "advances {direction} walking", "wanders {direction}",
        "walks along {direction}", "is on foot {direction}", "takes several steps {direction}", "ambles {direction}",
        "walks on {direction}", "makes {their} way {direction}", "marches {direction}", "saunters {direction}",
        "steps {direction} in an even pace", "is strolling {direction}",
    ),
    "start_walk": (
        "starts to walk {direction}", "begins walking {direction}", "stands and then walks {direction}",
        "sets off walking {direction}", "walks off {direction} from standing", "starts walking {direction}",
    ),
    "stop_walk": (
        "walks {direction} and stops", "walks {direction} and comes to a stop", "slows down and stops walking",
        "stops walking", "walks {direction} then stands still", "comes to a halt after walking {direction}",
    ),
    "run": (
        "runs {direction}", "is running {direction}", "sprints {direction}", "dashes {direction}", "races {direction}",
        "runs {direction} fast", "rushes {direction}", "moves {direction} running", "keeps running {direction}",
        "runs quickly {direction}",
        "hurries {direction}", "is sprinting {direction}", "runs along {direction}", "speeds {direction}",
        "breaks into a run {direction}", "runs on {direction}", "takes running steps {direction}",
        "is dashing {direction}", "charges {direction}", "runs at full speed {direction}",
        "runs a few meters {direction}",
    ),
    "jog": (
        "jogs {direction}", "is jogging {direction}", "jogs {direction} slowly", "runs {direction} at an easy pace",
        "trots {direction}", "moves {direction} jogging", "goes for a jog {direction}",
    ),
    "strafe": (
        "walks sideways to the {turn}", "sidesteps to the {turn}", "moves sideways to the {turn}",
        "strafes {turn}", "steps to the {turn} side", "shuffles sideways to the {turn}", "goes sideways {turn}",
    ),
    "step_forward": (
        "takes a step forward", "steps forward", "makes one step forward", "steps ahead", "moves one step to the front",
        "takes one pace forward",
    ),
    "step_back": (
        "takes a step back", "steps backward", "steps back", "makes one step backwards", "moves one step back",
        "retreats by one step",
    ),
    "turn_90": (
        "turns {turn}", "turns to the {turn}", "makes a quarter turn to the {turn}", "turns 90 degrees to the {turn}",
        "rotates to the {turn}", "faces {turn}", "turns the body to the {turn}", "pivots to the {turn}",
        "makes a turn to the {turn}", "swivels to the {turn}", "turns a quarter to the {turn}",
        "turns on the spot to the {turn}", "takes a turn {turn}", "is turning to the {turn}",
        "swings around to the {turn} side", "steps around to the {turn}", "turns the whole body {turn}",
        "moves around to face {turn}", "turns sideways to the {turn}", "looks and turns {turn}",
    ),
    "turn_180": (
        "turns around", "turns around to the {turn}", "turns back", "turns 180 degrees", "turns around completely",
        "makes a half turn", "spins around to face the other way", "turns about", "turns round", "faces backward",
        "does an about turn", "turns around in place", "turns to face the opposite direction", "rotates half a turn",
        "turns {their} back", "makes an about-face", "is turning around", "turns on the spot to face backward",
        "turns to look behind", "turns to face the other way", "reverses {their} direction on the spot",
        "swings around", "comes around to the other side", "turns to show {their} back",
    ),
    "turn_360": (
        "turns around in a full circle", "makes a full turn to the {turn}", "spins around once",
        "turns 360 degrees", "rotates all the way round", "turns a full circle to the {turn}",
    ),
    "jump_up": (
        "jumps", "jumps up", "jumps up in place", "is jumping", "leaps into the air", "hops up", "jumps high",
        "makes a jump", "springs up", "jumps on the spot", "leaps upward", "does a jump",
        "jumps into the air", "jumps straight up", "is hopping", "hops once", "gives a jump",
        "jumps upward with both feet", "springs into the air", "takes a jump", "does a hop on the spot",
        "bounces up once", "jumps up and lands",
    ),
    "jump_forward": (
        "jumps", "jumps forward", "leaps forward", "makes a jump ahead", "hops forward", "takes a leap forward",
        "jumps ahead with both feet", "is jumping forward", "bounds forward",
    ),
    "run_jump": (
        "runs and jumps", "runs, jumps and runs on", "jumps while running", "leaps over something while running",
        "takes a running jump",
    ),
    "walk_jump": ("walks and jumps", "walks, jumps and walks on", "jumps while walking"),
    "raise_hand": (
        "raises the {side} hand", "raises {their} {side} hand", "lifts the {side} arm", "lifts {their} {side} arm up",
        "puts the {side} hand up", "raises the {side} arm", "raises {their} {side} arm high",
        "holds up the {side} hand",
        "puts up {their} {side} hand", "stretches the {side} arm upward", "reaches up with the {side} hand",
        "lifts the {side} hand above the head", "reaches high with the {side} arm", "brings the {side} hand up",
        "sticks up the {side} hand", "is raising the {side} hand", "lifts the {side} hand",
        "raises the {side} hand up high", "raises {their} {side} hand over the head", "has the {side} hand up",
        "stretches {their} {side} hand to the sky", "moves the {side} hand up", "raises one hand, the {side} one",
        "throws the {side} arm up",
    ),
    "raise_hands": (
        "raises both hands", "lifts both arms", "puts both hands up", "raises both arms up", "raises the arms",
        "reaches up with both hands", "holds up both hands", "throws both arms up",
        "raises both arms above the head", "lifts both hands", "puts {their} arms up", "is raising both hands",
        "stretches both arms upward", "holds both arms up high", "raises both hands over the head",
        "lifts {their} arms into the air", "puts up both hands", "raises {their} two hands", "moves both hands up",
        "sticks both hands up", "raises {their} hands to the sky", "brings both arms up",
    ),
    "reach": (
        "reaches out with the {side} hand", "reaches for something with the {side} hand",
        "stretches the {side} arm out", "extends the {side} hand", "grabs something with the {side} hand",
        "holds out the {side} arm",
    ),
    "reach_low": (
        "reaches down with the {side} hand", "bends down and reaches low", "picks something up from the floor",
        "bends down to the ground", "reaches to the floor", "bends over and picks something up with the {side} hand",
    ),
    "bow": (
        "bows", "takes a bow", "bows forward", "bows to the audience", "makes a bow", "bows politely", "is bowing",
        "bends forward in a bow", "bows deeply", "bows respectfully", "gives a bow", "bows down",
        "bends at the waist to bow", "leans forward and bows", "bows to say thank you", "takes a deep bow",
        "bows from the waist", "lowers the head in a bow", "bends the upper body in a bow", "bows in greeting",
        "bows with respect", "makes a deep bow", "is taking a bow", "greets with a bow",
    ),
    "wave": (
        "waves", "waves the {side} hand", "waves hello", "greets someone", "waves to the audience", "greets",
        "waves with the {side} hand", "says hello with a wave", "greets the people", "waves goodbye", "is waving",
        "waves at someone", "raises the {side} hand and waves", "gives a friendly wave", "makes a greeting",
        "greets the crowd with the {side} hand",
        "waves with one hand", "lifts the {side} hand to wave", "swings the {side} hand from side to side",
        "waves {their} {side} arm", "gives a wave", "waves to someone", "shakes the {side} hand in greeting",
        "waves cheerily with the {side} arm",
    ),
    "point": (
        "points with the {side} hand", "points {direction_hand} with the {side} hand", "is pointing",
        "points at something with the {side} hand", "points with {their} {side} arm", "points a finger",
        "points {direction_hand}", "extends the {side} arm to point", "shows something with the {side} hand",
        "indicates something with the {side} hand", "points out something",
        "is pointing with the {side} hand", "points the {side} hand at something",
        "stretches out the {side} arm and points", "points with the {side} finger",
        "directs the {side} hand at something", "points over there", "points somewhere with the {side} hand",
        "aims the {side} arm at something", "raises the {side} hand to point", "points at a thing {direction_hand}",
        "points the {side} index finger",
    ),
    "indicate": (
        "gestures to the {turn}", "indicates something to the {turn}", "shows the way to the {turn}",
        "presents something on the {turn} with both hands", "indicates the {turn} side", "points to the {turn}",
        "guides the view to the {turn}", "directs the attention to the {turn}", "shows something on the {turn}",
        "moves the hands to the {turn} to show something", "presents the {turn} side", "leads the eyes to the {turn}",
        "gestures toward the {turn} side", "invites to look to the {turn}", "points out something on the {turn}",
        "refers to something on the {turn}", "sweeps a hand to the {turn}", "offers the view to the {turn}",
        "signals to the {turn}", "extends an arm to the {turn} to show something",
    ),
    "nod": (
        "nods", "nods the head", "says yes by nodding", "nods in agreement", "is nodding", "agrees with a nod",
        "moves the head up and down",
        "gives a nod", "nods once", "nods several times", "nods slowly", "nods to say yes", "nods to someone",
        "shows agreement with a nod", "confirms with a nod", "lowers and lifts the head", "is nodding in agreement",
        "bobs the head", "nods as if to agree", "nods and listens", "says yes with the head",
    ),
    "shrug": (
        "shrugs", "shrugs the shoulders", "shrugs, not knowing", "lifts the shoulders", "gives a shrug",
        "shrugs as if to say I do not know", "raises both shoulders and opens the hands",
        "is shrugging", "shrugs the shoulders and opens the hands", "does not know and shrugs", "makes a shrug",
        "raises the shoulders", "shows not knowing", "shrugs with open hands", "hunches the shoulders for a moment",
        "lifts {their} shoulders and drops them", "answers with a shrug", "shrugs it off", "shrugs in doubt",
        "pulls up both shoulders", "expresses not knowing with a shrug",
    ),
    "no": (
        "shakes {hands} to say no", "gestures no with {hands}", "refuses with {hands}", "makes a negating gesture",
        "waves {hands} in refusal", "says no with {hands}", "rejects something with {hands}", "denies with {hands}",
    ),
    "stop": (
        "gestures stop with {hands}", "holds up {hands} to stop someone", "makes a stop sign with {hands}",
        "signals to stop", "pushes {hands} forward to say stop", "tells someone to stop",
    ),
    "me": (
        "points to {themself}", "puts {hands} on the chest", "gestures to {themself}", "points at the own chest",
        "refers to {themself} with {hands}", "touches the chest with {hands}",
    ),
    "you": (
        "points at you", "gestures to you with {hands}", "points to the listener",
        "addresses the audience with {hands}",
        "points forward with {hands}", "gestures toward the listener with {hands}",
    ),
    "we": (
        "gestures to include everyone", "makes a circling gesture for all of us", "means us with {hands}",
        "includes the audience with a wide gesture", "gestures we with {hands}",
    ),
    "offer": (
        "offers something with {hands}", "holds out {hands}, palm up", "presents something with {hands}",
        "gives something with {hands}", "opens {hands} to offer", "extends {hands} to give",
    ),
    "plead": (
        "pleads with {hands}", "begs with {hands}", "asks for something with {hands}", "implores with {hands}",
        "makes a pleading gesture",
    ),
    "question": (
        "asks a question with {hands}", "opens {hands} in question", "gestures why", "gestures with a question",
        "turns up {hands} to ask",
    ),
    "think": (
        "thinks", "is thinking", "ponders with a hand at the chin", "contemplates", "thinks about something",
        "puts a hand to the chin and thinks", "reflects",
    ),
    "scratch": ("scratches the {part}", "is scratching the {part}", "rubs the {part}", "touches the {part}"),
    "stretch": ("stretches", "stretches the arms", "stretches the shoulders", "is stretching", "loosens the arms"),
    "chop": (
        "makes a chopping gesture with {hands}", "chops with {hands} to stress a point",
        "gestures firmly with {hands}", "strikes the air with {hands}", "emphasizes a point with {hands}",
    ),
    "beat": (
        "makes a beat gesture with {hands}", "gestures with {hands} while talking", "gestures with {hands}",
        "moves {hands} in rhythm with the speech", "talks with {hands}", "underlines the words with {hands}",
        "gesticulates with {hands}", "makes a small gesture with {hands}", "explains with {hands}",
    ),
    "describe": (
        "shows a size with {hands}", "describes something big with {hands}", "frames something with {hands}",
        "sweeps {hands} to describe", "spreads {hands} apart", "makes a wide gesture with {hands}",
    ),
    "kick": (
        "kicks", "kicks with the {leg} leg", "gives a kick", "kicks forward", "is kicking", "kicks something",
        "performs a kick with the {leg} foot",
        "kicks the air", "kicks high with the {leg} leg", "swings the {leg} leg to kick", "does a kick",
        "kicks at something", "kicks a ball", "lifts the {leg} leg and kicks", "kicks out with the {leg} foot",
        "makes a kick", "throws a kick with the {leg} leg", "strikes with the {leg} foot", "does a karate kick",
        "kicks straight ahead",
    ),
    "punch": (
        "punches", "throws a punch", "punches with the {side} hand", "is boxing", "hits with the {side} fist",
        "strikes with the {side} fist", "punches forward",
        "punches the air", "boxes", "throws punches", "strikes out with the {side} hand", "jabs with the {side} fist",
        "hits something", "is throwing punches", "fights with the fists", "thrusts the {side} fist forward",
        "lands a punch", "makes a punch with the {side} fist", "shadowboxes", "drives the {side} fist forward",
    ),
    "fight_idle": ("stands in a fighting stance", "is ready to fight", "holds up the fists", "stands like a boxer"),
    "push_up": ("does push-ups", "is doing push-ups", "does a push-up on the floor", "exercises on the floor"),
    "jumping_jacks": ("does jumping jacks", "jumps and swings the arms", "is doing jumping jacks", "exercises"),
    "dance": (
        "dances", "is dancing", "does a dance", "dances around", "performs a dance", "moves to music",
        "is dancing on the spot", "dances to music", "does some dance moves", "dances a few steps", "moves in rhythm",
        "performs dance steps", "swings the body in a dance", "takes dance steps", "dances freely",
        "is doing a dance", "steps and sways to the music", "shows a dance", "does a little dance",
        "moves the body to the beat",
    ),
    "victory": (
        "celebrates", "cheers", "raises the fists in victory", "is cheering", "celebrates a victory", "rejoices",
    ),
    "angry": ("is angry", "stamps in anger", "shows anger", "gestures angrily"),
    "confused": ("is confused", "looks confused", "looks around in confusion", "scratches the head, confused"),
    "listen": ("listens", "is listening", "stands and listens", "listens attentively", "stands listening"),
    "talk": (
        "talks", "is talking", "talks and gestures", "speaks", "gives a speech", "is speaking to someone",
        "makes a speech", "talks to the audience", "explains something", "tells a story", "is giving a talk",
    ),
    "crouch": ("crouches", "ducks", "crouches down", "is crouching", "squats down for cover"),
    "trip": ("trips", "stumbles", "trips over something and catches {themself}"),
    "open_door": ("opens a door", "pulls a door open", "is opening a door"),
    "throw": ("throws something", "throws an object", "is throwing a ball", "makes a throw"),
    "arms_crossed": ("stands with crossed arms", "crosses the arms", "folds the arms"),
    "hand_on_hip": ("stands with a hand on the hip", "puts a hand on the hip", "rests one hand on the hip"),
    "guitar": ("plays air guitar", "plays the guitar", "pretends to play a guitar"),
    "lean": ("leans forward", "bends forward a little", "inclines the body forward"),
    "lift_foot": ("lifts the {leg} foot", "raises one foot", "stands on one leg", "lifts a leg"),
    "touch_hands": ("puts the hands together", "rubs the hands", "folds the hands", "clasps the hands"),
    "basketball": ("dribbles a ball", "plays basketball", "is dribbling a basketball", "bounces a ball"),
    "sneak": (
        "walks crouched", "sneaks forward", "walks in a crouch",
        "sneaks", "is sneaking", "tiptoes ahead", "creeps forward", "moves on quietly with bent knees",
        "walks stealthily", "steals forward", "sneaks on tiptoe",
    ),
    "pick_up": ("picks something up from a table", "takes something off the table", "grabs something"),
    "walk_turn": (
        "walks and turns {turn}", "walks forward and turns to the {turn}", "walks, turns {turn} and walks on",
        "turns {turn} while walking", "is walking and turns to the {turn}", "walks around a corner to the {turn}",
        "takes a turn to the {turn} while walking", "walks ahead, then turns {turn}",
        "changes direction to the {turn} while walking", "walks on and bends off to the {turn}",
        "walks straight, then to the {turn}", "walks forward, then turns a quarter to the {turn}",
        "makes a {turn} turn while walking", "goes ahead and turns {turn}",
        "walks a few steps and turns to the {turn}", "strolls along and turns off to the {turn}",
        "walks and makes a turn to the {turn}", "heads off to the {turn} while walking",
        "steps forward and turns {turn}", "walks and veers off to the {turn}",
    ),
    "walk_back": (
        "walks backward", "walks backwards", "is walking backward", "steps backward", "moves backward on foot",
        "goes backward", "takes several steps back", "walks back without turning", "backs away",
        "retreats walking backward", "backs up", "makes a few steps backward", "walks in reverse",
        "moves away backward", "keeps walking backward", "paces backward", "steps back several times",
        "withdraws walking backward", "strolls backward", "goes back step by step",
    ),
    "wave_hands": (
        "waves both hands", "waves with both hands", "waves both arms", "is waving both hands",
        "waves both hands to the audience", "raises both hands and waves", "greets someone with both hands",
        "waves {their} arms", "swings both hands from side to side", "waves hello with both hands",
        "waves both hands above the head", "waves at someone with both arms", "shakes both hands in greeting",
        "greets the crowd with both arms", "waves to the people with both hands", "waves both hands in the air",
        "gives a wave with both hands", "lifts both hands to wave", "signals with both hands",
        "waves to someone with both arms",
    ),
    "bye": (
        "waves goodbye with {hands}", "says goodbye", "waves goodbye", "waves bye-bye with {hands}",
        "says bye with a wave", "is waving goodbye", "takes leave with a wave", "waves {hands} to say goodbye",
        "says farewell", "bids farewell with {hands}", "waves farewell to someone", "parts with a wave",
        "gives a goodbye wave", "waves goodbye to a friend", "waves {hands} at parting", "says bye-bye",
        "raises {hands} to say goodbye", "waves someone off", "makes a goodbye gesture with {hands}",
        "says see you with {hands}",
    ),
    "guide": (
        "shows the way with {hands}", "guides someone", "shows the way", "invites someone to come along with {hands}",
        "guides someone with {hands}", "points the way with {hands}", "ushers someone along",
        "directs someone with {hands}", "shows someone where to go", "leads the way with a gesture",
        "gestures to come this way", "makes an inviting gesture with {hands}", "says this way with {hands}",
        "holds out {hands} to show the way", "presents the way ahead with {hands}",
        "welcomes someone in with {hands}", "invites someone in", "gestures where to go with {hands}",
        "is guiding someone", "offers the way with {hands}",
    ),
    "call": (
        "calls someone", "calls out", "calls someone over", "shouts to someone", "calls out to someone far away",
        "is calling someone", "beckons someone", "calls a person over with {hands}", "shouts and beckons",
        "calls for someone", "hails someone", "calls loudly", "waves someone over",
        "shouts with the hands at the mouth", "beckons with {hands}", "leans forward and calls",
        "calls out and waves someone over", "summons someone", "yells to someone", "asks someone to come over",
    ),
    "respond": (
        "answers a call", "responds", "responds to someone with {hands}", "answers by raising {hands}",
        "answers someone", "raises {hands} to answer", "responds to a call", "reacts to someone calling",
        "reports with {hands} up", "gives an answer", "signals back with {hands}", "answers here with {hands}",
        "responds with a raised hand", "replies with a gesture", "lifts {hands} in answer",
        "is responding to someone", "says here I am", "shows that {their} turn has come with {hands}", "answers back",
        "acknowledges a call with {hands}",
    ),
    "slash": (
        "swings a sword", "slashes with a sword", "strikes with a sword", "is swinging a sword", "slashes the air",
        "makes a slash", "cuts with a sword", "fights with a sword", "raises a sword and strikes",
        "swings a blade down",
    ),
    "put_down": (
        "puts something on the floor", "bends down and puts something on the ground", "lays an object down",
        "sets something down with the {side} hand", "deposits something on the floor",
        "bends down to put something down", "crouches and places something on the floor",
        "places an object on the ground with the {side} hand", "lowers something to the floor", "puts a thing down",
        "leaves something on the floor", "squats and sets something down", "is putting something on the floor",
        "stoops and lays something down", "bends the knees and puts something on the ground",
    ),
    "elbow_to_knee": (
        "brings the elbow to the opposite knee", "touches a knee with the elbow",
        "does standing elbow-to-knee crunches", "lifts a knee to meet the elbow", "exercises with elbow to knee",
        "raises the knee to the elbow", "does a standing crunch", "twists and brings elbow and knee together",
        "is doing elbow to knee exercises", "draws a knee up to the elbow",
    ),
    "grab_high": (
        "grabs something from high up with the {side} hand", "reaches up and takes something down",
        "takes something from a shelf with the {side} hand", "grabs something above the head",
        "reaches high and grabs something", "takes an object from high up", "gets something off a high shelf",
        "reaches up with the {side} hand to grab something", "picks something from up high",
        "is grabbing something up high",
    ),
    "hop": (
        "hops forward", "hops with both legs", "hops once with both feet", "makes a hop", "jumps a little forward",
        "is hopping", "hops ahead on both feet", "makes a small jump with both legs", "bounces forward on both feet",
        "hops one time", "takes a hop ahead",
    ),
    "lie_down": (
        "lies down on the floor", "lies down", "lays {themself} down on the ground", "gets down on the floor",
        "goes down and lies on the floor", "is lying down", "sits down and lies back", "stretches out on the floor",
        "gets down to lie on the ground", "lowers {themself} to the floor and lies down",
    ),
    "rotate_arms": (
        "rotates both arms", "swings both arms in circles", "circles the arms", "rotates the arms backward",
        "makes circles with both arms", "is rotating {their} arms", "swings the arms around", "does arm circles",
        "turns both arms in large circles", "loosens the shoulders with arm circles",
    ),
    "squat": (
        "squats", "does a squat", "squats down and gets up", "does squats", "is doing a squat",
        "bends the knees in a squat", "exercises with squats", "goes down into a squat",
        "lowers {themself} into a squat", "does a squat with the arms stretched forward", "makes a knee bend",
        "does knee bends",
    ),
    "throw_ball": (
        "throws a basketball", "throws a ball with both hands", "shoots a basketball", "throws a ball at a basket",
        "is throwing a basketball", "aims and throws a ball", "takes a shot at the basket",
        "throws a ball upward with both hands", "makes a basketball throw", "tosses a ball",
    ),
}  # fmt: skip
"""Verb phrases of each action. Every fifth one is held out of training."""

STYLES: dict[str, tuple[str, ...]] = {
    "active": ("energetically", "with a lot of energy", "briskly", "in a lively way"),
    "angry": ("angrily", "in anger", "furiously", "like an angry person"),
    "childish": ("like a child", "childishly", "in a childlike way", "playfully like a child"),
    "chimpira": ("like a thug", "with a swagger", "like a street punk", "in a cocky way"),
    "elderly": ("like an elderly person", "like an old person", "with the stiffness of old age", "as the elderly do"),
    "exhausted": ("in exhaustion", "wearily", "like an exhausted person", "as if worn out"),
    "feminine": ("in a feminine manner", "daintily", "in a ladylike way", "with feminine grace"),
    "giant": ("like a giant", "heavily, like a giant", "ponderously", "with the weight of a giant"),
    "happy": ("happily", "cheerfully", "joyfully", "in a good mood"),
    "masculine": ("in a masculine manner", "like a tough guy", "in a manly way", "with manly strength"),
    "musical": ("as in a musical", "theatrically", "like a musical actor", "with the flair of a stage musical"),
    "not-confident": ("timidly", "shyly", "without confidence", "hesitantly"),
    "proud": ("proudly", "with pride", "self-assuredly", "full of pride"),
    "sad": ("sadly", "in sorrow", "dejectedly", "with a heavy heart"),
    "tired": ("tiredly", "like a tired person", "sluggishly", "with little strength left"),
    "youthful": ("youthfully", "like a young person", "with youthful energy", "in a youthful way"),
}  # fmt: skip
"""Adverbs of each style in the names of Bandai Namco's recordings; of "normal" there is nothing to say."""

_STYLE_NAMES = {"masculinity": "masculine", "old": "elderly"}

_RULES: tuple[tuple[str, str], ...] = (
    # patterns are tried in order on the clip's name; "" drops the clip
    (r"^dataset-\d_walk-turn-", "walk_turn"),
    (r"^dataset-\d_walk-", "walk_way"),
    (r"^dataset-\d_walk_", "walk"),
    (r"^dataset-\d_(run|dash)_", "run"),
    (r"^dataset-\d_raise-up-both-hands_", "raise_hands"),
    (r"^dataset-\d_raise-up-(left|right)-hand_", "raise_hand"),
    (r"^dataset-\d_wave-both-hands_", "wave_hands"),
    (r"^dataset-\d_wave-(left|right)-hand_", "wave"),
    (r"^dataset-\d_(bye)?bye_", "bye"),
    (r"^dataset-\d_dance", "dance"),
    (r"^dataset-\d_bow_", "bow"),
    (r"^dataset-\d_guide_", "guide"),
    (r"^dataset-\d_call_", "call"),
    (r"^dataset-\d_respond_", "respond"),
    (r"^dataset-\d_kick_", "kick"),
    (r"^dataset-\d_punch_", "punch"),
    (r"^dataset-\d_slash_", "slash"),
    (r"^dataset-", ""),
    (r"^HDM_\w+_depositFloor", "put_down"),
    (r"^HDM_\w+_elbowToKnee", "elbow_to_knee"),
    (r"^HDM_\w+_grabHigh", "grab_high"),
    (r"^HDM_\w+_hop", "hop"),
    (r"^HDM_\w+_jog", "jog"),
    (r"^HDM_\w+_kick", "kick"),
    (r"^HDM_\w+_lieDown", "lie_down"),
    (r"^HDM_\w+_rotateArms", "rotate_arms"),
    (r"^HDM_\w+_sneak", "sneak"),
    (r"^HDM_\w+_squat", "squat"),
    (r"^HDM_\w+_throwBasketball", "throw_ball"),
    (r"^HDM_", ""),
    (r"HandDefault|HandGrasp|HandReach|HandRelease|T-?Pose|Rest Pose|Meditate|Sleep|Sit|Driving|Swim|Pistol", ""),
    (r"Sword|Spell|Crawl|Fly|Levitate|Power|Blast|Death|Roll|Backflip|Kneel|Torch|Fixing|Hit_|Consume|Shiver", ""),
    (r"Dizzy|Defend|Tired|Enter$|KickChair|Jump_Loop|Jump_Land|Jump_Start|Push_Loop|Interact|Fighting|Charleston", ""),
    (r"Walk\d*_ToIdle|WalkToStop", "stop_walk"),
    (r"WeightShift", "weight_shift"),
    (r"Crouch_Idle|Continuation|ToIdle0[123]$|ToLocIdle|LocIdle|Entrance|WalkUp|ThrowAway|Motex|HandsAtSide_Trans", ""),
    (r"Torch|LHandOnHip_Transition|_swayLf|_swayRt|climb|uneven|sword|wash|playground|balance|ballet|Dance_Loop$", ""),
    (r"^Bow$", "bow"),
    (r"^Greeting$", "wave"),
    (r"Head Nod", "nod"),
    (r"^Reject$", "no"),
    (r"Confused", "confused"),
    (r"Angry", "angry"),
    (r"Victory", "victory"),
    (r"Jumping Jacks", "jumping_jacks"),
    (r"Push ?-?[Uu]ps?", "push_up"),
    (r"Idle_Talking", "talk"),
    (r"Idle Listening", "listen"),
    (r"Throw", "throw"),
    (r"PickUp", "pick_up"),
    (r"Punch", "punch"),
    (r"Turn360", "turn_walk"),
    (r"Turn180|Turn90|StopToBack|StopToLeft", "turn_walk"),
    (r"ToWalk|StopToWalk", "start_walk"),
    (r"Run\w*Jump|RunJump", "run_jump"),
    (r"WalkJump", "walk_jump"),
    (r"ReachJump|JumpUp|grab, reach", "jump_up"),
    (r"Jump|forward jump|^jump", "jump_forward"),
    (r"StepForward|Step_WalkForward", "step_forward"),
    (r"StepBack", "step_back"),
    (r"StepSideways|Strafe|Shuffle", "strafe"),
    (r"Jog", "jog"),
    (r"Walk|Meander|walk", "walk"),
    (r"Run|run|Sprint", "run"),
    (r"KickBack|Kick", "kick"),
    (r"Dance|dance", "dance"),
    (r"basketball", "basketball"),
    (r"CrouchBlock|CrouchProtect|Crouch", "crouch"),
    (r"LeanForward", "lean"),
    (r"LiftFoot", "lift_foot"),
    (r"Trip", "trip"),
    (r"OpenDoor", "open_door"),
    (r"IdleFight", "fight_idle"),
    (r"Reach_?(Shoulder|Knee)?Back|ReachBehind", "reach_behind"),
    (r"Reach", "reach"),
    (r"IndicateThere|Indicate|Deictic", "indicate"),
    (r"YouPoint|You|you|ScrewYou", "you"),
    (r"BeatPoint|BeatFist|Beat", "beat"),
    (r"Point|point", "point"),
    (r"Chop", "chop"),
    (r"Negat|No(Forward|Left|Right)|negation|InclusivityNeg", "no"),
    (r"Stop|stop", "stop"),
    (r"_Me|^me[_\d]|Me(Rt|Lf|Bt)", "me"),
    (r"_We|^we[_\d]|^us[_\d]|Inclusivity|inclusivity|Surround", "we"),
    (r"Offer|Receive", "offer"),
    (r"Plea", "plead"),
    (r"question|Why|When", "question"),
    (r"Contemplate|Think", "think"),
    (r"Scratch", "scratch"),
    (r"Stretch", "stretch"),
    (r"Shrug", "shrug"),
    (r"Guitar", "guitar"),
    (r"CrossedArms", "arms_crossed"),
    (r"HandOnHip", "hand_on_hip"),
    (r"TouchHands|SqueezeHand", "touch_hands"),
    (r"bigger|Empty|Frame|Sweep", "describe"),
    (r"Example|However|Besides|Safe|Here", "beat"),
    (r"[Ii]dle", "idle"),
)  # fmt: skip

CYCLIC = frozenset(
    {"walk", "walk_back", "run", "jog", "strafe", "idle", "listen", "talk", "fight_idle", "arms_crossed"}
)
"""Actions that may be repeated to fill a window; the others are led in and out by standing."""


@dataclass(frozen=True)
class Caption:
    """action: a key of PHRASES. words: values for the phrases' slots. style: a key of STYLES, or ""."""

    action: str
    words: dict[str, str]
    style: str = ""

    def sentences(self, held_out: bool = False) -> list[str]:
        """Every subject and phrase together; held_out gives only those that training never sees.

        Where there is a style its adverbs go round, and some sentences do without.
        """
        phrases = [
            p for i, p in enumerate(PHRASES[self.action]) if len(PHRASES[self.action]) < 5 or (i % 5 == 4) == held_out
        ]
        subjects = HELD_OUT_SUBJECTS if held_out else SUBJECTS
        manners = ("", *STYLES.get(self.style, ()))
        return [
            self._fill(subject, f"{phrase} {manners[(i + j) % len(manners)]}")
            for i, phrase in enumerate(phrases)
            for j, subject in enumerate(subjects)
        ]

    def _fill(self, subject: str, phrase: str) -> str:
        their = (
            "his"
            if subject in {"he", "a man", "the man"}
            else "her"
            if "woman" in subject or subject == "she"
            else "their"
        )
        themself = {"his": "himself", "her": "herself", "their": "themself"}[their]
        return " ".join(f"{subject} {phrase.format(their=their, themself=themself, **self.words)}".split())


def action_of(name: str) -> str:
    """The action that a clip's name or title tells, "" where the clip is of no use."""
    return next((action for pattern, action in _RULES if re.search(pattern, name)), "")


def caption(name: str, motion: Motion, skeleton: Skeleton, mirrored: bool = False) -> Caption | None:
    """What a clip shows: action from its name, sides, directions and turns measured on its joints.

    mirrored: motion is the mirrored clip of that name.
    """
    action = action_of(name)
    if not action or len(motion) < 4:
        return None
    positions = motion.positions(skeleton)
    heading = headings(positions)
    turned = float(np.degrees(heading[-1] - heading[0]))
    turn = "left" if turned > 0 else "right"
    local = _facing_path(positions, heading)
    if action == "walk_way":  # "walk-left" is said of walking there and of stepping sideways
        left, ahead = local
        action = "strafe" if abs(left) > abs(ahead) else "walk" if ahead > 0 else "walk_back"
    if action == "walk_turn":
        action = "walk_turn" if abs(turned) > 45 else "walk"  # a window may show the straight part alone
    if action == "strafe":
        turn = "left" if local[0] > 0 else "right"
    if action == "indicate":
        turn = "right" if bool(re.search(r"Right|Rt", name)) != mirrored else "left"
    if action == "turn_walk":
        action = _turn_action(turned)
    if action == "idle" and _hands_up(positions):
        action = "hand_on_hip"
    side = _named_hand(name, mirrored) or _busy_hand(positions)
    if action == "reach_behind":
        action = "reach_low" if "Low" in name or "Knee" in name or "Floor" in name else "reach"
    elif action == "reach":
        action = _reach_action(positions, side, skeleton)
    hands = {"both": "both hands"}.get(side, f"the {side} hand")
    direction = _direction(turned)
    return Caption(
        action,
        {
            "direction": direction,
            "turn": turn,
            "side": side if side != "both" else "right",
            "hands": hands,
            "leg": _busy_leg(positions),
            "part": "chest" if "Chest" in name else "temple" if "Temple" in name else "head",
            "direction_hand": _point_direction(positions, heading, side),
        },
        _style(name),
    )


def _named_hand(name: str, mirrored: bool) -> str:
    """The hand that a recording's name tells; "" where it tells none."""
    found = re.search(r"-(left|right)-hand_", name)
    if found is None:
        return ""
    return found[1] if not mirrored else {"left": "right", "right": "left"}[found[1]]


def _style(name: str) -> str:
    found = re.match(r"dataset-\d_[\w-]+?_([a-z-]+)_\d+$", name)
    style = _STYLE_NAMES.get(found[1], found[1]) if found else ""
    return style if style in STYLES else ""


def _direction(turned: float) -> str:
    if abs(turned) < 30:
        return ("forward", "ahead", "straight ahead", "straight forward")[int(abs(turned) * 7) % 4]
    side = "left" if turned > 0 else "right"
    return f"in a circle to the {side}" if abs(turned) > 150 else f"in a curve to the {side}"


def _turn_action(turned: float) -> str:
    size = abs(turned)
    if size < 45:
        return "start_walk"
    return "turn_90" if size < 130 else "turn_180" if size < 270 else "turn_360"


def _facing_path(positions: Array, heading: Array) -> Array:
    """Net movement (left, forward) metres, seen from the first frame."""
    move = positions[-1, 0] - positions[0, 0]
    cosine, sine = np.cos(heading[0]), np.sin(heading[0])
    return np.array([move[0] * cosine - move[2] * sine, move[0] * sine + move[2] * cosine])


def _busy_hand(positions: Array) -> str:
    """Which wrist travels, relative to the chest: left, right, or both where neither does clearly more."""
    chest = positions[:, INDEX["spine3"]]
    travel = [
        float(np.linalg.norm(np.ptp(positions[:, INDEX[f"{side}_wrist"]] - chest, axis=0)))
        for side in ("left", "right")
    ]
    if travel[0] > 1.6 * travel[1]:
        return "left"
    return "right" if travel[1] > 1.6 * travel[0] else "both"


def _hands_up(positions: Array) -> bool:
    """Whether a hand stays at the hips or higher, rather than hanging."""
    height = positions[:, [INDEX["left_wrist"], INDEX["right_wrist"]], 1] - positions[:, :1, 1]  # (T, 2)
    return bool((height.mean(0) > 0.0).any())


def _busy_leg(positions: Array) -> str:
    lift = [float(np.ptp(positions[:, INDEX[f"{side}_ankle"], 1])) for side in ("left", "right")]
    return "left" if lift[0] > lift[1] else "right"


def _reach_action(positions: Array, side: str, skeleton: Skeleton) -> str:
    sides = ("left", "right") if side == "both" else (side,)
    highest = max(float(positions[:, INDEX[f"{s}_wrist"], 1].max()) for s in sides)
    lowest_head = float(positions[:, INDEX["head"], 1].min())
    head = float(skeleton.rest_positions[INDEX["head"], 1])
    if lowest_head < 0.75 * head:
        return "reach_low"
    if highest > head - 0.12:
        return "raise_hands" if side == "both" else "raise_hand"
    return "reach"


def _point_direction(positions: Array, heading: Array, side: str) -> str:
    hand = "left" if side == "left" else "right"
    reach = np.linalg.norm(positions[:, INDEX[f"{hand}_wrist"]] - positions[:, INDEX[f"{hand}_shoulder"]], axis=-1)
    frame = int(reach.argmax())
    arm = positions[frame, INDEX[f"{hand}_wrist"]] - positions[frame, INDEX[f"{hand}_shoulder"]]
    angle = np.degrees(np.arctan2(arm[0], arm[2]) - heading[frame])
    angle = (angle + 180) % 360 - 180
    if abs(angle) < 35:
        return "forward"
    return "to the left" if angle > 0 else "to the right"


def all_sentences(captions: Sequence[Caption]) -> list[str]:
    """Distinct training sentences of many captions, in a fixed order."""
    return sorted({sentence for item in captions for sentence in item.sentences()})
